import adapter from "./index.js";

export const { accessToken, protect } = adapter;
