import { useCallback, useEffect, useRef, useState } from "react";
import { api, getJson, happenings } from "./api.js";

const CHECK_EVERY_MS = 5000;
const SETTLE_MS = 300;

const REASONS = {
  session_expired: "Your session has ended. Please sign in again.",
  not_authenticated: "You are no longer signed in. Please sign in again.",
  elsewhere: "You signed out in another tab.",
  here: "You signed out.",
};

const anonymous = (reason, before) => ({
  state: "anonymous",
  session: null,
  reason: REASONS[reason] ?? before.reason,
});

/*
 * What the page knows of its session: only what GET /bff/session says, and what other tabs tell.
 * `state` is "unknown" until the first answer, then "anonymous" or "signed-in".
 */
export function useSession() {
  const [view, setView] = useState({ state: "unknown", session: null, reason: "" });
  const channel = useRef(null);
  const checking = useRef(null);
  // Counts sign-ins and sign-outs: an answer asked for before one is not believed after it.
  const turn = useRef(0);

  const leave = useCallback((reason) => {
    turn.current++;
    setView((v) => (v.state === "anonymous" ? v : anonymous(reason, v)));
  }, []);

  const enter = useCallback((session) => {
    setView({ state: "signed-in", session: { ...session, at: performance.now() }, reason: "" });
  }, []);

  const check = useCallback(() => {
    checking.current ??= (async () => {
      const asked = turn.current;
      const session = await getJson("/bff/session").catch(() => null);
      checking.current = null;
      if (session === null || asked !== turn.current) return; // an outage signs nobody out
      if (session.authenticated) enter(session);
      else setView((v) => anonymous(v.state === "signed-in" ? "session_expired" : null, v));
    })();
    return checking.current;
  }, [enter]);

  useEffect(() => {
    channel.current = new BroadcastChannel("bff-session");
    channel.current.onmessage = ({ data }) =>
      data === "signed-out" ? leave("elsewhere") : check();
    return () => channel.current.close();
  }, [check, leave]);

  useEffect(() => {
    let settling;
    const recheck = () => document.visibilityState === "visible" && check();
    const ended = ({ detail }) => leave(detail.code);
    // A call may have extended the session, or caused a refresh: look once the calls have settled.
    const answered = ({ detail }) => {
      if (detail.path.startsWith("/bff/")) return;
      clearTimeout(settling);
      settling = setTimeout(check, SETTLE_MS);
    };
    const ticking = setInterval(recheck, CHECK_EVERY_MS);
    check();
    addEventListener("focus", recheck);
    document.addEventListener("visibilitychange", recheck);
    happenings.addEventListener("signed-out", ended);
    happenings.addEventListener("answered", answered);
    return () => {
      clearInterval(ticking);
      clearTimeout(settling);
      removeEventListener("focus", recheck);
      document.removeEventListener("visibilitychange", recheck);
      happenings.removeEventListener("signed-out", ended);
      happenings.removeEventListener("answered", answered);
    };
  }, [check, leave]);

  const signIn = useCallback(
    async (fields) => {
      const { session } = await getJson("/bff/login", { method: "POST", json: fields });
      turn.current++;
      enter(session);
      channel.current.postMessage("signed-in");
    },
    [enter],
  );

  const signOut = useCallback(async () => {
    await api("/bff/logout", { method: "POST" });
    channel.current.postMessage("signed-out");
    leave("here");
  }, [leave]);

  return { ...view, check, signIn, signOut };
}
