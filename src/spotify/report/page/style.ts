/** The style of the report's page, on the colours of every page. */
export const REPORT_STYLE = `
.vh { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.top, main, footer { max-width: 1240px; margin: 0 auto; padding: 0 24px; }
.top { display: flex; flex-wrap: wrap; gap: 12px 32px; align-items: center; justify-content: space-between; padding-top: 28px; padding-bottom: 12px; }
.brand { display: flex; gap: 14px; align-items: center; }
.logo rect { fill: var(--accent); } .logo path { stroke: var(--surface); stroke-width: 2.6; stroke-linecap: round; fill: none; } .logo { flex: none; }
nav { display: flex; flex-wrap: wrap; gap: 4px; }
nav a { padding: 6px 12px; border-radius: 6px; font-size: 0.8125rem; }
nav a:hover { background: var(--accent-soft); text-decoration: none; }
.say { font-size: 1.1875rem; line-height: 1.5; letter-spacing: -0.005em; padding: 8px 0 14px; max-width: 62em; text-wrap: pretty; }
.chips { display: flex; flex-wrap: wrap; gap: 8px; padding-bottom: 10px; }
.chips li { border: 1px solid var(--line-strong); border-radius: 99px; padding: 2px 12px; font-size: 0.8125rem; background: var(--surface); } .chips span { color: var(--ink-3); }
.page { padding-top: 18px; scroll-margin-top: 8px; } .page > h2 { padding-bottom: 10px; }
.grid { display: grid; grid-template-columns: repeat(12, minmax(0, 1fr)); gap: 16px; }
.panel { background: var(--surface); border: 1px solid var(--line); border-radius: 10px; display: flex; flex-direction: column; min-width: 0; scroll-margin-top: 8px; }
.panel > header { padding: 14px 18px 0; } .panel > header .quiet { max-width: 60em; text-wrap: pretty; }
.body { padding: 12px 18px 16px; flex: 1; }
.w12 { grid-column: span 12; } .w7 { grid-column: span 7; } .w6 { grid-column: span 6; } .w5 { grid-column: span 5; } .w4 { grid-column: span 4; }
.tall { grid-row: span 2; }
.empty { color: var(--ink-3); padding: 8px 0; }
.note { padding-top: 8px; }
small { font-size: 0.75rem; color: var(--ink-3); }
th small, .people small, .tiles small, .who small { display: block; }

.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(132px, 1fr)); gap: 14px 20px; }
.cards dt { font-size: 0.8125rem; color: var(--ink-2); } .cards dd { font-size: 1.375rem; font-weight: 600; letter-spacing: -0.01em; line-height: 1.3; overflow-wrap: break-word; }
.cards small { display: block; font-weight: 400; letter-spacing: 0; }
.words dd { font-size: 1.0625rem; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: 5px 16px; align-content: start; } .facts dt { color: var(--ink-3); } .facts dd { overflow-wrap: anywhere; }
.detail { display: flex; gap: 18px; align-items: flex-start; }
.range { font-size: 1.125rem; font-weight: 600; padding-bottom: 4px; } .range .quiet { font-weight: 400; }

svg { display: block; } .chart { width: 100%; overflow: visible; padding-left: 40px; } .chart.heat { padding-left: 36px; }
.chart text { font-size: 11px; fill: var(--ink-3); }
.grid line, .chart .grid { stroke: var(--line); shape-rendering: crispEdges; } .chart .axis { stroke: var(--line-strong); shape-rendering: crispEdges; }
.chart .hit { fill: transparent; } .chart g:hover .hit { fill: var(--ink); fill-opacity: 0.06; }
.line { fill: none; stroke: var(--accent); stroke-width: 1.75; vector-effect: non-scaling-stroke; stroke-linejoin: round; }
.line.thin { stroke: var(--seq-4); stroke-width: 1; } .line.mean { stroke-width: 2.25; } .area { fill: var(--accent-soft); } .dot { fill: var(--accent); }
.s0 { fill: var(--line-strong); } .s1 { fill: var(--seq-1); } .s2 { fill: var(--seq-2); } .s3 { fill: var(--seq-3); } .s4 { fill: var(--seq-4); } .s5 { fill: var(--seq-5); }
.q0 { fill: var(--seq-0); } .q1 { fill: var(--seq-1); } .q2 { fill: var(--seq-2); } .q3 { fill: var(--seq-3); } .q4 { fill: var(--seq-4); } .q5 { fill: var(--seq-5); }
.peak { stroke: var(--ink); stroke-width: 2; }
.s1, .s2, .key.k1, .key.k2 { stroke: var(--seq-4); stroke-width: 0.5; }
.bar { width: 100%; background: var(--seq-0); border-radius: 2px; } .share { width: 100%; border-radius: 4px; overflow: hidden; margin-bottom: 10px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; padding-top: 10px; font-size: 0.75rem; color: var(--ink-2); } .legend li { display: flex; align-items: center; gap: 6px; }
.legend.ramp { gap: 3px; } .legend.ramp li:first-child { margin-right: 4px; } .legend.ramp li:last-child { margin-left: 4px; }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 3px; flex: none; background: var(--seq-5); } th .key { margin-right: 8px; }
.k4, .key.q4 { background: var(--seq-4); } .k3, .key.q3 { background: var(--seq-3); } .k2, .key.q2 { background: var(--seq-2); box-shadow: inset 0 0 0 1px var(--seq-4); } .k1 { background: var(--seq-1); box-shadow: inset 0 0 0 1px var(--seq-4); } .key.q1 { background: var(--seq-1); } .key.q0 { background: var(--seq-0); box-shadow: inset 0 0 0 1px var(--line-strong); } .k0 { background: var(--line-strong); }
.ramp .key { width: 18px; }
.linekey { height: 0; border-top: 1.5px solid var(--seq-4); border-radius: 0; background: none; width: 16px; } .linekey.strong { border-top: 2.5px solid var(--accent); }

.scroll { overflow-x: auto; } .tight { white-space: nowrap; } .faint { color: var(--ink-3); }
td bdi, th bdi { overflow-wrap: break-word; }
.moves th, .moves td { vertical-align: middle; } .moves tr > :first-child { width: 3.5em; } .moves tr > :nth-child(2) { width: 4.5em; } .moves .num { padding-left: 20px; }
.ranking th { padding-left: 0; } .ranking td, .ranking th { border: 0; padding-top: 4px; padding-bottom: 4px; vertical-align: middle; } .ranking .rank, .people .rank { color: var(--ink-3); width: 2em; text-align: right; padding-left: 0; }
.barcell { width: 38%; } .who { display: flex; gap: 10px; align-items: center; line-height: 1.35; }
.tile { flex: none; display: grid; place-items: center; width: 34px; height: 34px; border-radius: 5px; font-weight: 600; background: var(--seq-1); color: var(--ink); object-fit: cover; }
.tile.large { width: 100%; max-width: 132px; height: auto; aspect-ratio: 1; border-radius: 8px; font-size: 1.75rem; } .detail .tile.large { width: 116px; }
.t2 { background: var(--seq-2); } .t3 { background: var(--accent-soft); } .t4 { background: var(--seq-0); box-shadow: inset 0 0 0 1px var(--line-strong); }
.tiles { display: grid; grid-template-columns: repeat(5, minmax(0, 1fr)); gap: 14px; padding-bottom: 14px; } .tiles p { padding-top: 6px; line-height: 1.35; font-size: 0.8125rem; overflow-wrap: anywhere; } .tiles b { font-weight: 600; }
.tiles .first .tile { outline: 2px solid var(--accent); outline-offset: 2px; }
.lists { display: grid; gap: 18px; grid-template-columns: repeat(auto-fit, minmax(200px, 1fr)); } .people li { display: flex; gap: 10px; align-items: center; padding: 4px 0; font-size: 0.8125rem; line-height: 1.35; } .people .rank { width: 1.4em; flex: none; }
.lists .quiet { padding-top: 4px; }
.twin { padding-top: 10px; font-size: 0.8125rem; } .twin summary { color: var(--accent); cursor: pointer; width: max-content; padding: 4px 0; } .twin .scroll { max-height: 340px; overflow: auto; }
.up { color: var(--up); } .down { color: var(--down); } .tag { border: 1px solid var(--accent); color: var(--accent); border-radius: 4px; padding: 0 6px; font-size: 0.75rem; }
.panel h3 + .scroll { padding-bottom: 12px; } .body > h3 { padding: 6px 0; } .body > figure + figure { padding-top: 18px; } figure h3 { padding-bottom: 8px; color: var(--ink-2); }
footer { padding-top: 26px; padding-bottom: 40px; }

@media (max-width: 940px) { .grid > * { grid-column: span 12; } .tall { grid-row: auto; } }
@media (max-width: 560px) {
  .top, main, footer { padding-left: 14px; padding-right: 14px; } .top { padding-top: 18px; }
  nav { margin-left: -12px; } nav a { padding: 8px 12px; }
  .panel { margin-left: -14px; margin-right: -14px; border-radius: 0; border-left: 0; border-right: 0; } .panel > header, .body { padding-left: 14px; padding-right: 14px; }
  .grid { gap: 10px; } .say { font-size: 1.0625rem; }
  .wide { display: none; } .tiles { grid-template-columns: repeat(3, minmax(0, 1fr)); } .barcell { width: 30%; }
  .scroll table { min-width: 26rem; } .scroll table.moves { min-width: 0; } .moves .num { padding-left: 8px; } .moves tr > :first-child { width: 2.5em; }
  .detail { flex-direction: column; } .twin summary { padding: 10px 0; }
}
@media print { .panel { break-inside: avoid; } nav, .twin { display: none; } }
@media (prefers-contrast: more) { .panel, th, td { border-color: var(--ink-3); } }
`;
