/*
 * The backend's cookies carry the tokens, and no script sees them. A 401 leads to one refresh and
 * one repetition; the refresh goes past the instance, so that its own 401 is final: whoever made
 * the call gets that error and decides.
 */
import axios from "/node_modules/axios/dist/esm/axios.min.js";

const baseURL = "/api/v1/";

const api = axios.create({ baseURL, withCredentials: true });

const refresh = () => axios.post(`${baseURL}users/refresh/`, {}, { withCredentials: true });

api.interceptors.response.use(
  (answer) => answer,
  async (error) => {
    const call = error.config;
    if (error.response?.status !== 401 || call._retry) throw error;
    call._retry = true;
    await refresh();
    return api(call);
  },
);

export const home = "users/";

export const signIn = (email, password) => api.post("users/login/", { email, password });

export const get = (path) => api.get(path);

export const signOut = () => api.post("users/logout/");
