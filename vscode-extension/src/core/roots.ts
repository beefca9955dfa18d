// Which folder is a file's project. Pure but for the question whether a file exists.

/** Files that make a folder a project. */
const MARKS = ['lakefile.toml', 'lakefile.lean', 'lean-toolchain'];

/**
 * The nearest folder at or above the file that is a project, up to the workspace folder; the workspace folder
 * where there is none; the file's own folder outside of every workspace folder. Paths with `/`.
 */
export function rootOf(file: string, workspace: string | undefined, exists: (path: string) => boolean): string {
  const parent = (path: string): string => path.slice(0, Math.max(path.lastIndexOf('/'), 0)) || '/';
  const own = parent(file);
  for (let folder = own; ; folder = parent(folder)) {
    if (MARKS.some(mark => exists(`${folder === '/' ? '' : folder}/${mark}`))) return folder;
    if (folder === workspace || folder === '/' || /^[A-Za-z]:$/.test(folder)) break;
  }
  return workspace ?? own;
}
