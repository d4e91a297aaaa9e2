/** Every code about hosts' configurations. */
export type HostErrorCode =
  | 'configuration-malformed'
  | 'configuration-shape'
  | 'configuration-unreadable'
  | 'configuration-unwritable'
  | 'configuration-busy'
  | 'entry-foreign'
  | 'entry-missing'
  | 'argument-unsafe'
  | 'host-absent'
  | 'scope-unsupported'
  | 'confirmation-missing'
  | 'nothing-to-undo'
  | 'changed-since'
  | 'extension-failed';
