/** A file on its way to the box: fetch cannot say how far it is. */
import { Trouble } from './problem';
import type { Problem } from './types';

/** A pass phrase goes in a header, which no server writes down; percent-encoded, for a header holds no accents. */
export function upload<T>(path: string, file: Blob, told: (part: number) => void, phrase = ''): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    request.responseType = 'json';
    request.setRequestHeader('Content-Type', 'application/octet-stream');
    if (phrase) request.setRequestHeader('Tollgate-Phrase', encodeURIComponent(phrase));
    request.upload.addEventListener('progress', (e) => {
      if (e.lengthComputable) told(e.loaded / e.total);
    });
    request.upload.addEventListener('load', () => told(1));
    request.addEventListener('error', () => reject(new Trouble()));
    request.addEventListener('load', () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response as T);
      else reject(new Trouble((request.response as Partial<Problem> | null) ?? { detail: `The box answered ${request.status}.` }));
    });
    request.send(file);
  });
}
