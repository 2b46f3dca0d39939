import { mergeConfig } from 'vite';
import page from './vite.config';

/** The page as ever, with a list of what of others was built into it and its terms: for scripts/release. */
export default mergeConfig(page, { build: { license: { fileName: 'licenses.json' } } });
