namespace ProtoServer.LoadTest.Reporting;

/// <summary>The style sheet of the HTML report.</summary>
internal static class HtmlStyle
{
    public const string Sheet = """

        :root { --page: #f7f7f5; --card: #ffffff; --ink: #1b1b1a; --soft: #5d5c58; --line: #e2e1dc; --axis: #a9a8a2; --shade: #efeee9;
                --c1: #2a78d6; --c2: #d95f1e; --c3: #12805c; --c4: #7a5bc7; --bad: #c62f2f; --good: #0a7a35; }
        @media (prefers-color-scheme: dark) {
          :root { --page: #131312; --card: #1d1d1b; --ink: #f2f1ee; --soft: #b4b2ab; --line: #353431; --axis: #75736c; --shade: #272623;
                  --c1: #5a9cec; --c2: #f0844b; --c3: #3bbd8f; --c4: #a793ee; --bad: #f07070; --good: #4fc47a; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        main { max-width: 1120px; margin: 0 auto; padding: 24px 16px 48px; }
        h1 { font-size: 1.5rem; margin: 0 0 4px; overflow-wrap: anywhere; }
        header p { margin: 0; overflow-wrap: anywhere; }
        .quiet, small, figcaption + .legend { color: var(--soft); }
        .verdict { margin: 12px 0 0; padding: 10px 14px; border-radius: 8px; background: var(--card); border-left: 4px solid; overflow-wrap: anywhere; }
        .verdict.bad { border-color: var(--bad); } .verdict.bad strong { color: var(--bad); }
        .verdict.good { border-color: var(--good); } .verdict.good strong { color: var(--good); }
        .tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin: 20px 0; }
        .tile { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; display: flex; flex-direction: column; min-width: 0; }
        .tile span { color: var(--soft); font-size: .85rem; }
        .tile strong { font-size: 1.45rem; font-weight: 650; white-space: nowrap; }
        .tile.bad strong { color: var(--bad); }
        .plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; }
        .tables { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 16px; align-items: start; margin-top: 16px; }
        figure, .card, details { background: var(--card); border: 1px solid var(--line); border-radius: 10px; margin: 0; min-width: 0; }
        figure { padding: 12px 14px 8px; }
        figcaption, caption { font-weight: 600; text-align: left; }
        caption { padding-bottom: 6px; }
        .legend { display: flex; flex-wrap: wrap; gap: 2px 14px; font-size: .85rem; margin: 2px 0 6px; }
        .legend span::before { content: ""; display: inline-block; width: 16px; border-top: 3px solid var(--c); margin-right: 6px; vertical-align: 3px; }
        .legend span.dashed::before { border-top-style: dashed; }
        svg { display: block; width: 100%; height: auto; }
        svg text { fill: var(--soft); font-size: 12px; font-family: inherit; }
        svg text.empty { font-size: 14px; }
        .grid { stroke: var(--line); stroke-width: 1; } .axis { stroke: var(--axis); stroke-width: 1; }
        .warmup { fill: var(--shade); } .hint { fill: transparent; } .hint:hover { fill: var(--axis); fill-opacity: .18; }
        .c1 { --c: var(--c1); } .c2 { --c: var(--c2); } .c3 { --c: var(--c3); } .c4 { --c: var(--c4); } svg .bad, .legend .bad { --c: var(--bad); }
        .line { fill: none; stroke: var(--c); stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
        .line.dashed { stroke-dasharray: 5 4; stroke-width: 1.6; }
        @media (max-width: 560px) { svg text { font-size: 14.5px; } main { padding: 16px 12px 32px; } }
        .bar, .dot { fill: var(--c); }
        .card { padding: 12px 14px; }
        table { border-collapse: collapse; width: 100%; }
        th { font-weight: 400; text-align: left; color: var(--soft); padding: 3px 8px 3px 0; vertical-align: top; }
        td { text-align: right; padding: 3px 0 3px 8px; font-variant-numeric: tabular-nums; }
        thead th { text-align: right; }
        .facts td { text-align: left; overflow-wrap: anywhere; }
        details { margin-top: 16px; padding: 10px 14px; } summary { cursor: pointer; }
        .wide { overflow-x: auto; } .wide table { margin-top: 8px; white-space: nowrap; } .wide td, .wide th { padding-right: 12px; text-align: right; }

        """;
}
