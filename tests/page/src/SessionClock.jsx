import { useEffect, useState } from "react";

const two = (n) => String(n).padStart(2, "0");

function clock(seconds) {
  const s = Math.max(0, Math.ceil(seconds));
  const days = Math.floor(s / 86400);
  const hours = Math.floor((s % 86400) / 3600);
  const text = `${two(Math.floor((s % 3600) / 60))}:${two(s % 60)}`;
  return `${days ? `${days} d ` : ""}${days || hours ? `${two(hours)}:` : ""}${text}`;
}

/* Counts down between two answers of GET /bff/session, on the monotonic clock. */
export function SessionClock({ session, onEnd }) {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    const ticking = setInterval(() => setNow(performance.now()), 1000);
    return () => clearInterval(ticking);
  }, []);

  const passed = Math.max(0, now - session.at) / 1000;
  const idle = session.idle_expires_in - passed;
  const whole = session.expires_in - passed;
  const ended = Math.min(idle, whole) <= 0;
  useEffect(() => {
    if (ended) onEnd();
  }, [ended, now, onEnd]);

  return (
    <dl className="figures">
      <div>
        <dt>Session ends in</dt>
        <dd id="remaining">{clock(Math.min(idle, whole))}</dd>
        <dd className="small">
          {idle < whole
            ? `if you do nothing; its limit is ${clock(whole)} away`
            : "when its limit is reached"}
        </dd>
      </div>
      <div>
        <dt>Refreshes</dt>
        <dd id="refreshes">{session.refreshes}</dd>
        <dd className="small">behind this page’s back</dd>
      </div>
    </dl>
  );
}
