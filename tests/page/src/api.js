// All this page knows about signing in. No token, no Authorization header, no refresh, no queue of
// requests that wait for one: the browser sends its cookie, and bffd sees to the rest.

export const happenings = new EventTarget(); // "answered", "waiting", "signed-out"
const tell = (type, detail) => happenings.dispatchEvent(new CustomEvent(type, { detail }));
const pause = (s) => new Promise((done) => setTimeout(done, s * 1000));
const ENDED = ["session_expired", "not_authenticated"];
const PATIENCE = 8;

export class ApiError extends Error {
  constructor(response, body) {
    super(body?.detail ?? body?.title ?? `The server answered ${response.status}.`);
    Object.assign(this, { status: response.status, code: body?.code, body });
  }
}

export async function api(path, { json, ...init } = {}) {
  if (json !== undefined) {
    init.body = JSON.stringify(json);
    init.headers = { "Content-Type": "application/json", ...init.headers };
  }
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(path, init);
    tell("answered", { path, status: response.status });
    if (response.ok) return response;

    const type = response.headers.get("Content-Type") ?? "";
    const body = type.includes("json") ? await response.json().catch(() => null) : null;
    // A 503 in this form means that the call was not carried out: even a POST may be sent again.
    const retryAfter =
      type.startsWith("application/problem+json") && Number(response.headers.get("Retry-After"));
    if (response.status === 503 && retryAfter > 0 && attempt < PATIENCE) {
      tell("waiting", { seconds: retryAfter });
      await pause(retryAfter);
      init.signal?.throwIfAborted();
      continue;
    }
    if (response.status === 401 && ENDED.includes(body?.code))
      tell("signed-out", { code: body.code });
    throw new ApiError(response, body);
  }
}

export const getJson = async (path, init) => (await api(path, init)).json();
