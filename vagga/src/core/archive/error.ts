/** The archive is damaged, hostile or of a kind we do not read. The message is for the user. */
export class ArchiveError extends Error {}
