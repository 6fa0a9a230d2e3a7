/**
 * Where root keeps what another account must reach and cannot reach under root's home. Every folder on the way is
 * open to all for passing through; what lies inside is closed by its own mode.
 */
export const sharedStateFolder = '/var/lib/gantry';
