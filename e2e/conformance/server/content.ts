import type { CallToolResult } from '@modelcontextprotocol/server';

/** A PNG of one red pixel. */
export const png =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';

/** A WAV file without a sample: its header, with 8 bits at 8 kHz. */
export const wav = Buffer.from(
  '524946462400000057415645666d74201000000001000100401f0000401f0000010008006461746100000000',
  'hex',
).toString('base64');

export const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
