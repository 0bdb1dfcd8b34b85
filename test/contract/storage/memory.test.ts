import { createMemoryStore } from '../../../src/storage/memory.ts';
import { describeObjectStore } from './suite.ts';

const store = createMemoryStore();
describeObjectStore('memory store', () => store, { locks: true });
