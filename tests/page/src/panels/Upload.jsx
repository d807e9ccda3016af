import { useRef, useState } from "react";
import { useAction } from "../action.js";
import { getJson } from "../api.js";
import { Panel } from "./Panel.jsx";

const MADE_BYTES = 8 * 1024 * 1024;
const RANDOM_AT_ONCE = 65536; // as much as getRandomValues() gives in one go

function madeFile() {
  const bytes = new Uint8Array(MADE_BYTES);
  for (let at = 0; at < bytes.length; at += RANDOM_AT_ONCE)
    crypto.getRandomValues(bytes.subarray(at, at + RANDOM_AT_ONCE));
  return new File([bytes], "random.bin");
}

async function sha256(file) {
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (b) => b.toString(16).padStart(2, "0")).join("");
}

export function Upload() {
  const chooser = useRef(null);
  const [sent, setSent] = useState(null);

  const sending = useAction(async (file) => {
    setSent(null);
    const [here, there] = await Promise.all([
      sha256(file),
      getJson("/api/upload/", {
        method: "POST",
        body: file,
        headers: { "Content-Type": "application/octet-stream" },
      }),
    ]);
    setSent({ name: file.name, size: there.size, here, there: there.sha256 });
  });

  return (
    <Panel
      id="upload"
      title="Upload"
      lead="The bytes go through nginx, whatever becomes of the token on the way."
      error={sending.error}
    >
      <div className="row wrap">
        <label className="button" htmlFor="upload-file">
          Choose a file…
        </label>
        <input
          id="upload-file"
          className="unseen"
          type="file"
          ref={chooser}
          disabled={sending.busy}
          onChange={() => chooser.current.files[0] && sending.run(chooser.current.files[0])}
        />
        <button
          type="button"
          id="upload-made"
          disabled={sending.busy}
          onClick={() => sending.run(madeFile())}
        >
          Send 8 MB of noise
        </button>
      </div>
      <div role="status" className="outcome" id="upload-outcome">
        {sending.busy && <p>Uploading…</p>}
        {sent && (
          <>
            <p>
              {sent.name}, {sent.size.toLocaleString("en")} bytes.{" "}
              {sent.here === sent.there
                ? "Django received what this page sent."
                : "Django received something else."}
            </p>
            <p className="digest" data-same={sent.here === sent.there}>
              <span>SHA-256</span> <code>{sent.there}</code>
            </p>
          </>
        )}
      </div>
    </Panel>
  );
}
