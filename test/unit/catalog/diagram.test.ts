import { describe, expect, it } from 'vitest';
import { compareWritten } from '../../../src/catalog/compare.ts';
import type { Diagram } from '../../../src/catalog/diagram.ts';
import { diagramSvg } from '../../../src/catalog/diagram-svg.ts';
import { layersOf } from '../../../src/catalog/layers.ts';
import { mermaidOf } from '../../../src/catalog/mermaid.ts';
import { createAnchors, shownName } from '../../../src/catalog/names.ts';

const diagram = (...pairs: readonly string[]): Diagram => {
  const references = pairs.map((pair) => {
    const [from = '', to = ''] = pair.split('>');
    return { from, to, columns: [`${to}_id`], isOptional: false, isUnique: false };
  });
  const names = [...new Set(references.flatMap(({ from, to }) => [from, to]))].sort();
  return {
    title: 's',
    entities: names.map((name) => ({ id: name, label: name, isForeign: false, columns: [{ name: 'id', type: 'int', marks: ['PK'] }] })),
    references,
  };
};

describe('the layers of a diagram', () => {
  it('put each table right of all that it refers to, with passages through the layers between', () => {
    const { layers, routes } = layersOf(diagram('play>track', 'track>album', 'album>artist', 'play>artist'));
    const depth = (name: string): number => layers.findIndex((layer) => layer.some(({ id }) => id === name));
    expect(['artist', 'album', 'track', 'play'].map(depth)).toEqual([0, 1, 2, 3]);
    expect(routes.find(({ reference }) => reference.from === 'play' && reference.to === 'artist')?.slots).toHaveLength(4);
  });

  it('end where tables refer to each other in a circle, or to themselves', () => {
    const { layers, routes } = layersOf(diagram('a>b', 'b>c', 'c>a', 'a>a'));
    expect(layers.flat().filter(({ isPassage }) => !isPassage)).toHaveLength(3);
    expect(routes).toHaveLength(3);
  });

  it('uncross what can be uncrossed', () => {
    const { layers } = layersOf(diagram('x>b', 'y>a'));
    expect(layers[1]?.map(({ id }) => id)).toEqual(layers[0]?.map(({ id }) => (id === 'a' ? 'y' : 'x')));
  });
});

describe('a drawn diagram', () => {
  it('keeps boxes of a layer apart and within the drawing', () => {
    const many = diagram(...Array.from({ length: 30 }, (_, at) => `child${at}>parent${at % 3}`));
    const { text } = diagramSvg(many, new Map());
    const boxes = [...text.matchAll(/<rect x="([\d.]+)"\s+y="([\d.]+)"\s+width="([\d.]+)"\s+height="([\d.]+)"/g)].map((found) =>
      found.slice(1).map(Number),
    );
    expect(boxes).toHaveLength(33);
    for (const [at, [x = 0, y = 0, , height = 0]] of boxes.entries()) {
      expect(y).toBeGreaterThanOrEqual(0);
      for (const [x2 = 0, y2 = 0, , height2 = 0] of boxes.slice(at + 1))
        expect(x !== x2 || y + height <= y2 || y2 + height2 <= y).toBe(true);
    }
    expect(text).not.toMatch(/NaN|Infinity/);
  });

  it('is told by its name, and leads from a box to its table', () => {
    const { text } = diagramSvg(diagram('a>b'), new Map([['a', 'relation-a']]));
    expect(text).toContain('aria-label="Entity diagram of s: 2 tables, 1 references"');
    expect(text).toContain('<a href="#relation-a">');
  });
});

describe('Mermaid', () => {
  it('gets plain words where it takes no others, and labels that end nothing', () => {
    const text = mermaidOf({
      title: 's',
      entities: [
        {
          id: 'x',
          label: 'a "b" ``` <c>',
          isForeign: false,
          columns: [{ name: '"1 a|b"', type: 'timestamp with time zone', marks: ['PK', 'FK'] }],
        },
        { id: 'y', label: 'y', isForeign: true, columns: [] },
      ],
      references: [{ from: 'x', to: 'y', columns: ['a "b"', 'c'], isOptional: true, isUnique: true }],
    });
    expect(text.split('\n')).toEqual([
      'erDiagram',
      '  t1["a #quot;b#quot; #96;#96;#96; #lt;c#gt;"] {',
      '    timestamp_with_time_zone c_1_a_b PK, FK',
      '  }',
      '  t2["y"]',
      '  t2 |o--o| t1 : "a #quot;b#quot;, c"',
    ]);
  });
});

describe('names', () => {
  it('are quoted as SQL needs it, and show their line breaks', () => {
    expect([shownName('track'), shownName('Track'), shownName('a"b'), shownName('a\nb')]).toEqual(['track', '"Track"', '"a""b"', '"a␊b"']);
  });

  it('give anchors that are each given once', () => {
    const anchor = createAnchors();
    expect([
      anchor('relation', 's', 'a b'),
      anchor('relation', 's', 'a-b'),
      anchor('relation', 's', 'a-b-2'),
      anchor('relation', 's', 'Ä'),
    ]).toEqual(['relation-s-a-b', 'relation-s-a-b-2', 'relation-s-a-b-2-2', 'relation-s--']);
  });
});

describe('a written dictionary', () => {
  const wanted = '# t\n\n#### a.x\n\none\n\n#### a.y\n\ntwo\n';
  it('is up to date when it is the same, with the line ends of Windows too', () => {
    expect(compareWritten('f', wanted, wanted)).toBeUndefined();
    expect(compareWritten('f', wanted.replaceAll('\n', '\r\n'), wanted)).toBeUndefined();
  });

  it('is missing, or differs by the headings of what was added, changed or is gone', () => {
    expect(compareWritten('f', undefined, wanted)).toEqual({ file: 'f', state: 'missing', sections: [] });
    expect(compareWritten('f', '# t\n\n#### a.w\n\n#### a.y\n\ntwo!\n', wanted)).toEqual({
      file: 'f',
      state: 'differs',
      sections: ['a.x', 'a.y', 'a.w'],
    });
  });
});
