/*
 * Tokens in localStorage, sent as "JWT ..." by a default header of the instance. Whoever is told
 * that the token is not valid refreshes for itself and repeats the call; a refused refresh, or a
 * refresh token that is past its `exp`, leads home.
 */
import axios from "/node_modules/axios/dist/esm/axios.min.js";

const baseURL = "/api";
const REFRESH = "/token/refresh/";
const HOME = "/";

const bearing = (access) => (access ? `JWT ${access}` : null);

const api = axios.create({
  baseURL,
  timeout: 60000,
  headers: { Authorization: bearing(localStorage.getItem("access_token")) },
});

function keep({ access, refresh }) {
  localStorage.setItem("access_token", access);
  localStorage.setItem("refresh_token", refresh);
  api.defaults.headers.Authorization = bearing(access);
}

function leave() {
  api.defaults.headers.Authorization = null;
  location.href = HOME;
}

const tokenIsNotValid = ({ status, statusText, data }) =>
  status === 401 && statusText === "Unauthorized" && data.code === "token_not_valid";

function isPastItsEnd(token) {
  const { exp } = JSON.parse(atob(token.split(".")[1]));
  return exp <= Math.ceil(Date.now() / 1000);
}

async function refreshAndRepeat(call, refresh) {
  try {
    const { data } = await api.post(REFRESH, { refresh });
    keep(data);
    call.headers.Authorization = bearing(data.access);
    return await api(call);
  } catch (error) {
    // Whoever made the call gets no answer and no error: that is how this client is.
    console.log("no refresh", error.message);
    return undefined;
  }
}

api.interceptors.response.use(
  (answer) => answer,
  (error) => {
    const { config: call, response } = error;
    if (response.status === 401 && call.url === REFRESH) {
      location.href = HOME;
      return Promise.reject(error);
    }
    if (!tokenIsNotValid(response)) return Promise.reject(error);

    const refresh = localStorage.getItem("refresh_token");
    if (refresh && !isPastItsEnd(refresh)) return refreshAndRepeat(call, refresh);
    leave();
    return Promise.reject(error);
  },
);

export const home = "/me/";

export async function signIn(username, password) {
  keep((await api.post("/token/", { username, password })).data);
}

export const get = (path) => api.get(path);

export async function signOut() {
  await api.post("/token/blacklist/", { refresh: localStorage.getItem("refresh_token") });
  localStorage.clear();
  leave();
}
