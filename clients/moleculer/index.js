export { UsermeshError } from "./src/error.js";
export { handleOnce, inboxTable } from "./src/inbox.js";
export { joinMesh } from "./src/mesh.js";
