// The screens, in the order of the day.

import { pool } from './pool.js';

export const screens = { pool };
