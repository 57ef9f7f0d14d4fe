import { useEffect, useRef } from "preact/hooks";

/** Does something every `ms`, while the page is visible. */
export function useInterval(work: () => unknown, ms: number): void {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const timer = setInterval(() => document.visibilityState === "visible" && latest.current(), ms);
    return () => clearInterval(timer);
  }, [ms]);
}
