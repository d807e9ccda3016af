import { useEffect, useRef, useState } from "react";
import { happenings } from "./api.js";

const CALL_GLOWS_MS = 700;
const REFRESH_GLOWS_MS = 3000;

/* True for a while after each call of the returned function. */
function useGlow(ms) {
  const [glowing, setGlowing] = useState(false);
  const fading = useRef();
  const glow = useRef(() => {
    clearTimeout(fading.current);
    setGlowing(true);
    fading.current = setTimeout(() => setGlowing(false), ms);
  });
  useEffect(() => () => clearTimeout(fading.current), []);
  return [glowing, glow.current];
}

function Node({ x, y, width = 102, name, role, strong }) {
  return (
    <g className={strong ? "node strong" : "node"} transform={`translate(${x} ${y})`}>
      <rect x={-width / 2} y="-27" width={width} height="54" rx="10" />
      <text y="-3">{name}</text>
      <text y="15" className="role">
        {role}
      </text>
    </g>
  );
}

/* The way of a call, and the way of a refresh, which the browser has no part in. */
export function Path({ refreshes }) {
  const [calling, glowCall] = useGlow(CALL_GLOWS_MS);
  const [refreshing, glowRefresh] = useGlow(REFRESH_GLOWS_MS);
  const seen = useRef(refreshes);

  useEffect(() => {
    const answered = ({ detail }) => !detail.path.startsWith("/bff/") && glowCall();
    happenings.addEventListener("answered", answered);
    return () => happenings.removeEventListener("answered", answered);
  }, [glowCall]);

  useEffect(() => {
    if (refreshes > seen.current) glowRefresh();
    seen.current = refreshes;
  }, [refreshes, glowRefresh]);

  return (
    <figure className="path" data-calling={calling} data-refreshing={refreshing}>
      <svg viewBox="0 0 424 222" role="img" aria-labelledby="path-title">
        <title id="path-title">
          The browser sends its cookie to nginx. nginx asks bffd, attaches the token and calls
          Django. A refresh goes from bffd to Django alone.
        </title>
        <g className="wire call">
          <path d="M103 40H161" />
          <path d="M263 40H321" />
          <path d="M212 67V147" />
        </g>
        <g className="wire refresh">
          <path d="M276 174H352Q372 174 372 154V67" />
        </g>
        <g className="label">
          <text x="132" y="30">
            cookie
          </text>
          <text x="292" y="30">
            token
          </text>
          <text x="202" y="112" className="end">
            may it pass?
          </text>
          <text x="320" y="196" className="refresh">
            refresh
          </text>
        </g>
        <Node x={52} y={40} name="Browser" role="this page" />
        <Node x={212} y={40} name="nginx" role="carries" />
        <Node x={372} y={40} name="Django" role="your API" />
        <Node x={212} y={174} width={128} name="bffd" role="keeps the tokens" strong />
      </svg>
      <figcaption>
        {refreshing
          ? "bffd has just renewed the tokens. This page was not asked."
          : "Every call takes the upper way. A refresh takes the lower one."}
      </figcaption>
    </figure>
  );
}
