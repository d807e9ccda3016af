/*
 * Every call is given `Bearer` by a request interceptor. After any error the refresh token's `exp`
 * is looked at: past it, all is purged and /login is next. Otherwise a 401 leads to one refresh,
 * made with the same instance, and one repetition.
 */
import axios from "/node_modules/axios/dist/esm/axios.min.js";
import { jwtDecode } from "/node_modules/jwt-decode/build/esm/index.js";

const baseURL = "/";
const ACCOUNTS = "/api/v1/accounts";
const LOGIN_PAGE = "/login";

const tokens = {
  access: () => localStorage.getItem("accessToken"),
  refresh: () => localStorage.getItem("refreshToken"),
  set({ access, refresh }) {
    if (access) localStorage.setItem("accessToken", access);
    if (refresh) localStorage.setItem("refreshToken", refresh);
  },
  refreshIsValid() {
    const refresh = tokens.refresh();
    return refresh ? jwtDecode(refresh).exp >= Date.now() / 1000 : null;
  },
  purge() {
    localStorage.removeItem("accessToken");
    localStorage.removeItem("refreshToken");
  },
};

const api = axios.create({ baseURL });

api.interceptors.request.use((call) => {
  if (tokens.access()) call.headers.Authorization = `Bearer ${tokens.access()}`;
  return call;
});

function leave() {
  tokens.purge();
  location.href = LOGIN_PAGE;
}

api.interceptors.response.use(
  (answer) => answer,
  async (error) => {
    const call = error.config;
    if (!tokens.refreshIsValid()) {
      leave();
      throw error;
    }
    if (error.response.status !== 401 || call.retry) throw error;
    call.retry = true;
    const { status, data } = await api({
      url: `${ACCOUNTS}/token/refresh/`,
      method: "post",
      data: { refresh: tokens.refresh() },
    });
    if (status !== 200) return null;
    tokens.set(data);
    return api(call);
  },
);

export const home = "/api/v1/me/";

export async function signIn(username, password) {
  tokens.set((await api.post(`${ACCOUNTS}/token/`, { username, password })).data);
}

export const get = (path) => api.get(path);

export const signOut = leave;
