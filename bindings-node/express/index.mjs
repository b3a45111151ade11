import adapter from "./index.js";

export const { accessToken, metadata, scopegate } = adapter;
