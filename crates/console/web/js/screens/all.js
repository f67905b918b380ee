// The screens, in the order of the day.

import { board } from './board.js';
import { card } from './card.js';
import { plate } from './plate.js';
import { pool } from './pool.js';
import { problemsScreen } from './problems.js';
import { receive } from './receive.js';
import { results } from './results.js';
import { retests } from './retests.js';
import { run } from './run.js';
import { sample } from './sample.js';

export const screens = { receive, pool, plate, run, results, retests, board, sample, problems: problemsScreen, card };
