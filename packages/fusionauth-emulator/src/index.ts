export { startEmulator, type Emulator, type EmulatorOptions } from './emulator.ts';
export { EmulatorError, type EmulatorErrorCode } from './errors.ts';
export type { KickstartOutcome } from './kickstart.ts';
export type { RecordedRequest } from './request-record.ts';
export type { Switches } from './switches.ts';
