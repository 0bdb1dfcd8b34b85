/**
 * Names that exports give their folders and archives, and the usual places of downloads: they say nothing of whose data it
 * is.
 */
const SAYS_NOTHING =
  /^(my[_ ]?data|my_spotify_data|spotify[_ ](account|extended|technical|data)\b.*|extended_streaming_history|endsong|downloads?|desktop|documents|tmp|home|users|spotify|export|data)([ _-]*\(?\d*\)?)$/i;

/** Whose data lies in these folders, nearest first: the first name that says something. */
export function listenerOfFolders(folders: readonly string[]): string | undefined {
  return folders.find((folder) => folder !== '' && !SAYS_NOTHING.test(folder.replace(/\.zip$/i, '')))?.replace(/\.zip$/i, '');
}
