import { useEffect, useRef, useState } from "react";
import { useAction } from "../action.js";
import { api } from "../api.js";
import { Panel } from "./Panel.jsx";

const SHOWN = 5;

/* The `data` of each event of a text/event-stream body, as it comes in. */
async function* events(body) {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    text += decoder.decode(value, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop();
    for (const block of blocks) {
      const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (data.length) yield data.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}

export function Stream() {
  const [lines, setLines] = useState([]);
  const running = useRef(null);

  const listening = useAction(async () => {
    running.current = new AbortController();
    setLines([]);
    const response = await api("/api/stream/?count=60&interval=1", {
      headers: { Accept: "text/event-stream" },
      signal: running.current.signal,
    });
    for await (const data of events(response.body)) {
      const { n, of } = JSON.parse(data);
      const line = { id: n, at: new Date().toLocaleTimeString(), text: `${n} of ${of}` };
      setLines((all) => [line, ...all].slice(0, SHOWN));
    }
  });
  useEffect(() => () => running.current?.abort(), []);

  return (
    <Panel
      id="stream"
      title="Live stream"
      lead="Server-sent events, one a second, that outlive any token."
      error={listening.error}
    >
      {listening.busy ? (
        <button type="button" onClick={() => running.current.abort()}>
          Stop
        </button>
      ) : (
        <button type="button" onClick={listening.run}>
          Listen
        </button>
      )}
      <ol className="lines" aria-label="Latest events" data-listening={listening.busy}>
        {lines.map((line) => (
          <li key={line.id}>
            <time>{line.at}</time> <span>event {line.text}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
