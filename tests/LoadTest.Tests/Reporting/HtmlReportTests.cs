using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using ProtoServer.LoadTest.Measuring;
using ProtoServer.LoadTest.Reporting;

namespace LoadTest.Tests.Reporting;

public sealed class HtmlReportTests
{
    private static readonly string[] s_plots = ["rate", "latency", "errors", "connections", "spectrum"];

    [Fact]
    public void Page_NeedsNothingElse()
    {
        string page = HtmlReport.Write(Samples.Result().Report);

        Assert.DoesNotMatch(@"<script|<link|<img|src=|@import|url\(|https?://", page);
    }

    [Fact]
    public void Page_WithWhatUsersTyped_IsEscaped()
    {
        string page = HtmlReport.Write(Samples.Result().Report);

        Assert.Contains("&lt;b&gt;&amp;amp;&lt;/b&gt;", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Plots_AsXml_AreWellFormedAndInsideTheirBox()
    {
        string page = HtmlReport.Write(Bad());

        MatchCollection plots = Regex.Matches(page, "<svg viewBox=\"0 0 (?<w>[0-9]+) (?<h>[0-9]+)\".*?</svg>", RegexOptions.Singleline);
        Assert.Equal(s_plots.Length, plots.Count);
        foreach (Match plot in plots)
        {
            XElement svg = XElement.Parse(plot.Value);
            double width = double.Parse(plot.Groups["w"].Value);
            double height = double.Parse(plot.Groups["h"].Value);
            foreach (XElement path in svg.Descendants("path"))
            {
                double[] numbers = [.. Regex.Matches((string)path.Attribute("d")!, @"-?[0-9.]+").Select(match => double.Parse(match.Value))];
                Assert.All(numbers.Where((_, i) => i % 2 == 0), x => Assert.InRange(x, 0, width));
                Assert.All(numbers.Where((_, i) => i % 2 == 1), y => Assert.InRange(y, 0, height));
            }
            Assert.DoesNotContain("NaN", plot.Value, StringComparison.Ordinal);
            Assert.DoesNotContain("Infinity", plot.Value, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Page_OfARunWithoutAnyReply_IsStillAPage()
    {
        RunReport report = Samples.Result(total =>
        {
            total.Corrected.Reset();
            total.Raw.Reset();
        }).Report;

        string page = HtmlReport.Write(report with { Intervals = [] });

        Assert.Contains("</html>", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(390, false)]
    [InlineData(390, true)]
    [InlineData(1200, false)]
    [InlineData(1200, true)]
    public async Task Page_InABrowser_FitsAndIsLegible(int width, bool dark)
    {
        Assert.SkipWhen(Chromium.Path is null, Chromium.Missing);

        JsonElement seen = await MeasureAsync(HtmlReport.Write(Bad()), width, dark);

        Assert.Equal(width, seen.GetProperty("width").GetInt32());
        Assert.True(seen.GetProperty("scrollWidth").GetInt32() <= width, "the page must not scroll sideways");
        Assert.Equal(s_plots, seen.GetProperty("plots").EnumerateArray().Select(plot => plot.GetProperty("id").GetString()));
        Assert.All(seen.GetProperty("plots").EnumerateArray(), plot =>
        {
            Assert.InRange(plot.GetProperty("width").GetDouble(), width < 600 ? 300 : 450, width);
            Assert.True(plot.GetProperty("height").GetDouble() > 140);
            Assert.True(plot.GetProperty("letters").GetDouble() >= 10, $"letters of {plot.GetProperty("letters").GetDouble()} px in {plot.GetProperty("id")}");
            Assert.Empty(plot.GetProperty("outside").EnumerateArray());
            Assert.Empty(plot.GetProperty("touching").EnumerateArray());
        });
        Assert.Empty(seen.GetProperty("faint").EnumerateArray());
        Assert.Equal(dark, seen.GetProperty("dark").GetBoolean());
        // Two columns where there is room, one where there is not.
        Assert.Equal(width < 600 ? 1 : 2, seen.GetProperty("columns").GetInt32());
    }

    private static RunReport Bad() => Samples.Result(
        total =>
        {
            total.Measured[Counter.Wrong] = 12;
            total.Measured[Counter.LostTimeout] = 3;
        },
        busiest: 0.97).Report with
    { Thresholds = [new ThresholdReport("p99>5ms", "99.0 ms", true), new ThresholdReport("lost>1%", "0.3%", false)] };

    // In a frame of the wanted width: a browser's own window cannot be made as narrow as a phone.
    private static async Task<JsonElement> MeasureAsync(string page, int width, bool dark)
    {
        string frame = $$"""
            <!doctype html><body style="margin:0"><iframe id="f" width="{{width}}" height="3000" style="border:0" srcdoc="{{WebUtility.HtmlEncode(page)}}"></iframe><pre id="out"></pre>
            <script>
            document.getElementById('f').onload = event => {
              const d = event.target.contentDocument, w = event.target.contentWindow;
              const numbers = colour => colour.match(/[0-9.]+/g).map(Number);
              const light = colour => { const [r, g, b] = numbers(colour).slice(0, 3).map(v => { v /= 255; return v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
              const behind = e => { for (; e; e = e.parentElement) { const c = w.getComputedStyle(e).backgroundColor; if (numbers(c).length < 4 || numbers(c)[3] > 0) return c; } return 'rgb(255,255,255)'; };
              const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + .05) / (y + .05); };
              const faint = [];
              for (const e of d.querySelectorAll('h1,p,strong,small,span,th,td,caption,figcaption,summary,svg text')) {
                const s = w.getComputedStyle(e), colour = e.namespaceURI.endsWith('svg') ? s.fill : s.color;
                if (e.textContent.trim() && contrast(colour, behind(e)) < 4.5) faint.push(e.tagName + ' ' + e.textContent + ' ' + contrast(colour, behind(e)).toFixed(2));
              }
              const plots = [...d.querySelectorAll('figure')].map(figure => {
                const svg = figure.querySelector('svg'), box = svg.getBoundingClientRect(), texts = [...svg.querySelectorAll('text')];
                const scale = box.width / svg.viewBox.baseVal.width;
                const boxes = texts.map(t => [t.textContent, t.getBoundingClientRect()]);
                const outside = boxes.filter(([, b]) => b.left < box.left - 1 || b.right > box.right + 1 || b.bottom > box.bottom + 1).map(([t]) => t);
                const touching = [];
                boxes.forEach(([t, a], i) => boxes.slice(i + 1).forEach(([u, b]) => {
                  if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 4 && b.top < a.bottom - 4) touching.push(t + ' and ' + u);
                }));
                return { id: figure.id, width: box.width, height: box.height, letters: Math.min(...texts.map(t => parseFloat(w.getComputedStyle(t).fontSize) * scale)), outside, touching };
              });
              document.getElementById('out').textContent = JSON.stringify({
                width: w.innerWidth, scrollWidth: d.documentElement.scrollWidth, plots, faint, dark: light(behind(d.body)) < .2,
                columns: w.getComputedStyle(d.querySelector('.plots')).gridTemplateColumns.split(' ').length,
              });
            };
            </script>
            """;
        string dom = await Chromium.LoadAsync(frame, dark);
        Match match = Regex.Match(dom, "<pre id=\"out\">(?<json>.+?)</pre>", RegexOptions.Singleline);
        Assert.True(match.Success, dom[..Math.Min(2000, dom.Length)]);
        return JsonDocument.Parse(WebUtility.HtmlDecode(match.Groups["json"].Value)).RootElement;
    }
}
