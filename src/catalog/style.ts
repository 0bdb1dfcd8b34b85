/** The style of the dictionary, on the colours of every page. */
export const DICTIONARY_STYLE = `
.vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.frame { display: grid; grid-template-columns: 250px minmax(0, 1fr); }
nav { position: sticky; top: 0; height: 100vh; overflow-y: auto; padding: 24px 16px; border-right: 1px solid var(--line); font-size: 0.8125rem; }
nav .brand { font-weight: 600; font-size: 1rem; padding-bottom: 10px; overflow-wrap: anywhere; }
nav li a { display: block; padding: 1px 0 1px 14px; color: var(--ink-2); overflow-wrap: anywhere; } nav .quiet { padding: 6px 0 2px 14px; font-size: 0.75rem; }
nav summary { padding: 3px 0; cursor: pointer; } nav summary a { font-weight: 600; }
main { padding: 28px 36px 60px; max-width: 1180px; }
main > .quiet, .schema > .quiet { padding-top: 2px; }
h2 { padding-top: 40px; scroll-margin-top: 8px; } h3 { padding: 26px 0 4px; font-size: 1rem; } h4 { margin: 0; font-size: 0.9375rem; font-weight: 600; overflow-wrap: anywhere; scroll-margin-top: 12px; }
article { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; padding: 14px 18px; margin-top: 12px; }
article > .scroll { margin: 10px -18px 0; padding: 0 10px; }
article td:nth-child(4) { white-space: nowrap; color: var(--ink-3); } article table code { white-space: nowrap; overflow-wrap: normal; }
figure { margin: 14px 0 0; border: 1px solid var(--line); border-radius: 10px; background: var(--surface); padding: 12px; } figcaption { padding-top: 8px; }
.scroll { overflow-x: auto; }
details summary { color: var(--ink-2); font-size: 0.8125rem; padding-top: 8px; cursor: pointer; width: max-content; } .items li { padding: 2px 0 2px 14px; font-size: 0.8125rem; }
.key { display: inline-block; border: 1px solid var(--accent); color: var(--accent); border-radius: 4px; padding: 0 5px; font-size: 0.6875rem; line-height: 1.5; }
.diagram { display: block; } .diagram text { font: 11.5px ui-monospace, "SF Mono", "Cascadia Mono", "Liberation Mono", "DejaVu Sans Mono", monospace; fill: var(--ink-2); } .diagram .name { font-weight: 700; fill: var(--ink); } .diagram .mark { font-size: 9.5px; fill: var(--ink-3); }
.entity rect { fill: var(--surface); stroke: var(--line-strong); } .entity line { stroke: var(--line-strong); } .other rect { fill: var(--sunken); stroke-dasharray: 4 3; } .other .name { font-weight: 400; }
a:hover .entity rect { stroke: var(--accent); }
.ref { fill: none; stroke: var(--seq-4); stroke-width: 1.25; } .optional { stroke-dasharray: 5 3; }
footer { padding-top: 40px; }
@media (max-width: 860px) { .frame { display: block; } nav { position: static; height: auto; border-right: 0; border-bottom: 1px solid var(--line); } main { padding: 18px 14px 40px; } article { margin-left: -14px; margin-right: -14px; border-radius: 0; border-left: 0; border-right: 0; padding: 14px; } nav summary { padding: 10px 0; } nav li a { padding: 6px 0 6px 14px; } }
@media print { nav { display: none; } .frame { display: block; } article { break-inside: avoid; } }
`;
