interface SessionEvent {
  readonly code: string;
  readonly detail: string;
}

/** The events of a stream (HTML Living Standard, section 9.2). EventSource cannot send the access token. */
export async function* readEvents(response: Response): AsyncGenerator<SessionEvent> {
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      const blocks = text.split("\n\n");
      text = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block.split("\n").flatMap((line) => (line.startsWith("data:") ? [line.slice(5).trim()] : []));
        if (data.length > 0) yield JSON.parse(data.join("\n")) as SessionEvent;
      }
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
