declare const Redoc: { init(url: string | undefined, options: object, element: HTMLElement | null): void };

const root = document.getElementById("docs");
// Without this theme it would load fonts from another server.
const fontFamily = "system-ui, sans-serif";
Redoc.init(root?.dataset.openapi, { theme: { typography: { fontFamily, headings: { fontFamily } } } }, root);
