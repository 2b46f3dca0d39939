/** Files in and out of the browser. */

/** The API takes a policy of this size at most. */
export const largest = 1 << 20;

/** What stands against a file as a policy. */
export type Against = 'tooBig' | 'notText';

/** read returns the text of a file, or why it cannot be a policy. */
export async function read(file: File): Promise<{ text: string } | { against: Against }> {
  if (file.size > largest) return { against: 'tooBig' };
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await file.arrayBuffer());
    return text.includes('\0') ? { against: 'notText' } : { text };
  } catch {
    return { against: 'notText' };
  }
}

/** save offers text as a file. */
export function save(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'application/yaml' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  // The browser has taken the content by now; a moment more costs nothing.
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
