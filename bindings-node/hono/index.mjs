import adapter from "./index.js";

export const { accessToken, scopegate } = adapter;
