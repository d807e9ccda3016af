/*
 * A backend that says statusCode 401 in the body of its errors. Calls that hear it wait in a queue
 * until nothing has failed for half a second; then one refresh is made for all of them, and they
 * are repeated. A refused refresh leads to /login.
 */
import axios from "/node_modules/axios/dist/esm/axios.min.js";

const baseURL = "";
const REFRESH = "/api/token/refreshToken";
const LOGIN_PAGE = "/login";
const QUIET_MS = 500;

const api = axios.create({ baseURL });

api.interceptors.request.use((call) => {
  const access = localStorage.getItem("accessToken");
  if (access) call.headers.Authorization = `Bearer ${access}`;
  return call;
});

function keep({ access, refresh }) {
  localStorage.setItem("accessToken", access);
  if (refresh) localStorage.setItem("refreshToken", refresh);
}

let waiting = [];
let timer = null;

async function refreshForAll() {
  const { data } = await api.post(REFRESH, { refresh: localStorage.getItem("refreshToken") });
  keep(data);
  const repeats = waiting;
  waiting = [];
  repeats.forEach((repeat) => repeat());
}

function repeatAfterRefresh(repeat) {
  waiting.push(repeat);
  clearTimeout(timer);
  timer = setTimeout(refreshForAll, QUIET_MS);
}

api.interceptors.response.use(
  (answer) => answer,
  ({ response }) =>
    new Promise((resolve, reject) => {
      const { data, config: call } = response;
      if (data.statusCode !== 401) {
        reject(response);
      } else if (call.url !== REFRESH) {
        repeatAfterRefresh(() => resolve(api(call)));
      } else {
        // Neither kept nor broken: those who wait are on a page that is being left.
        waiting = [];
        localStorage.clear();
        location.href = LOGIN_PAGE;
      }
    }),
);

export const home = "/api/me/";

export async function signIn(username, password) {
  keep((await api.post("/api/token/", { username, password })).data);
}

export const get = (path) => api.get(path);

export async function signOut() {
  await api.post("/api/token/revokeToken", { refresh: localStorage.getItem("refreshToken") });
  localStorage.clear();
  location.href = LOGIN_PAGE;
}
