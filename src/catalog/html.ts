import { html, joined, type Markup } from '../base/html.ts';
import { selfContainedPage } from '../base/html-page.ts';
import type { Dictionary, Entry, List, SchemaPart } from './describe.ts';
import { diagramSvg } from './diagram-svg.ts';
import { GENERATED } from './markdown.ts';
import { oneLine } from './names.ts';
import { DICTIONARY_STYLE } from './style.ts';

/** The dictionary as one page that needs nothing else, its diagrams drawn. */
export function htmlOf(dictionary: Dictionary): string {
  const { title, comment, facts, schemas } = dictionary;
  const body = html`<a class="skip" href="#main">Skip to the dictionary</a>
    <div class="frame">
      <nav aria-label="Objects">
        <p class="brand">${oneLine(title)}</p>
        ${schemas.map(
          (schema) =>
            html`<details>
              <summary><a href="#${schema.anchor}">${schema.name}</a></summary>
              ${schema.groups.map(
                ({ title: group, entries }) =>
                  html`<p class="quiet">${group}</p>
                    <ul>
                      ${entries.map(({ anchor, name }) => html`<li><a href="#${anchor}">${shortOf(name, schema.name)}</a></li> `)}
                    </ul>`,
              )}
            </details> `,
        )}
      </nav>
      <main id="main">
        <h1>${oneLine(title)}</h1>
        ${said(comment)}
        <p class="quiet">${facts.join(' · ')}</p>
        ${joined(schemas.map((schema) => schemaSection(schema)))}
        <footer class="quiet">${GENERATED}</footer>
      </main>
    </div>`;
  return selfContainedPage({ title: `${oneLine(title)} · data dictionary`, style: DICTIONARY_STYLE, body });
}

function schemaSection(schema: SchemaPart): Markup {
  const hrefs = new Map(
    schema.groups.flatMap(({ entries }) => entries.flatMap(({ key, anchor }) => (key === undefined ? [] : [[key, anchor] as const]))),
  );
  return html`<section class="schema">
    <h2 id="${schema.anchor}">Schema ${schema.name}</h2>
    ${said(schema.comment)}
    <p class="quiet">${schema.facts.join(' · ')}</p>
    ${schema.lists.map(listSection)}
    ${
      schema.diagram === undefined
        ? undefined
        : html`<figure class="scroll">
            ${diagramSvg(schema.diagram, hrefs)}
            <figcaption class="quiet">
              What is referred to stands left of what refers to it; a dashed line may refer to nothing. Keys only; dashed boxes are of other
              schemas.
            </figcaption>
          </figure>`
    }
    ${schema.groups.map(
      ({ title, entries }) =>
        html`<h3>${title} of ${schema.name}</h3>
          ${joined(entries.map((entry) => entrySection(entry)))}`,
    )}
  </section>`;
}

function entrySection(entry: Entry): Markup {
  return html`<article>
    <h4 id="${entry.anchor}">${entry.name}</h4>
    ${said(entry.comment)}
    <p class="quiet">${entry.facts.join(' · ')}</p>
    ${entry.code === undefined ? undefined : html`<p><code>${entry.code}</code></p>`}
    ${entry.columns.length === 0 ? undefined : columnTable(entry)} ${entry.lists.map(listSection)}
  </article>`;
}

function columnTable({ name, columns }: Entry): Markup {
  return html`<div class="scroll">
    <table>
      <caption class="vh">
        Columns of ${name}
      </caption>
      <thead>
        <tr>
          <th scope="col">Column</th>
          <th scope="col">Type</th>
          <th scope="col">Key</th>
          <th scope="col">Null</th>
          <th scope="col">Default</th>
          <th scope="col">What it is</th>
        </tr>
      </thead>
      <tbody>
        ${columns.map(
          (column) =>
            html`<tr>
              <th scope="row"><code>${column.name}</code></th>
              <td><code>${column.type}</code></td>
              <td>${column.keys.map((key) => html`<span class="key">${key}</span> `)}</td>
              <td>${column.isNotNull ? 'not null' : ''}</td>
              <td>${column.fallback === undefined ? undefined : html`<code>${column.fallback}</code>`}</td>
              <td>${column.comment === undefined ? undefined : oneLine(column.comment)}</td>
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

function listSection({ title, items }: List): Markup {
  return html`<details open>
    <summary>${title}</summary>
    <ul class="items">
      ${items.map(({ code, text }) => html`<li><code>${code}</code>${text === undefined ? undefined : html` ${oneLine(text)}`}</li> `)}
    </ul>
  </details>`;
}

function said(comment: string | undefined): Markup | undefined {
  return comment === undefined ? undefined : html`<p>${oneLine(comment)}</p>`;
}

/** Without the schema it stands under, and without the types of a routine. */
function shortOf(name: string, schema: string): string {
  const own = name.startsWith(`${schema}.`) ? name.slice(schema.length + 1) : name;
  return own.replace(/\(.*\)$/s, '()');
}
