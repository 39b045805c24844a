export { listYamlFiles, readYamlFile } from './read-folder.js';
export { type FolderWatch, type FolderWatchHandlers, watchFolder } from './watch-folder.js';
