/** Where a session's files lie inside every sandbox with a kernel. */
export const WORKING_DIRECTORY = '/workspace';
