using System.Globalization;
using System.Net;
using System.Text;

namespace ProtoServer.LoadTest.Reporting;

/// <summary>A plot as inline SVG: axes, grid, lines or stacked bars, and what each place means under the pointer. Colours come from the page's style sheet.</summary>
internal sealed class Plot
{
    // Drawn for a width at which the letters are as large as the page's on a phone; larger screens enlarge it.
    private const double Width = 460;
    private const double Height = 230;
    private const double Left = 62;
    private const double Right = 12;
    private const double Top = 10;
    private const double Bottom = 34;

    private readonly StringBuilder _svg = new();

    public required string Id { get; init; }

    public required string Title { get; init; }

    /// <summary>What the plot says in one sentence, for who cannot see it.</summary>
    public required string Summary { get; init; }

    public required Axis X { get; init; }

    public required Axis Y { get; init; }

    public required Func<double, string> FormatX { get; init; }

    public required Func<double, string> FormatY { get; init; }

    public required string XLabel { get; init; }

    public required IReadOnlyList<PlotSeries> Series { get; init; }

    /// <summary>Bars on top of each other instead of lines.</summary>
    public bool Stacked { get; init; }

    /// <summary>Width of a bar on the x axis.</summary>
    public double BarWidth { get; init; } = 1;

    /// <summary>Up to here the background is that of the warm-up.</summary>
    public double? ShadedUntil { get; init; }

    /// <summary>What is written in the middle when there is nothing to draw.</summary>
    public string? Empty { get; init; }

    public string Write()
    {
        _svg.Append(CultureInfo.InvariantCulture, $"<figure id=\"{Id}\"><figcaption>{Text(Title)}</figcaption>");
        Legend();
        _svg.Append(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height}\" role=\"img\" aria-label=\"{Text(Summary)}\">");
        Frame();
        if (Empty is { } empty)
        {
            _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"empty\" x=\"{N((Left + Width - Right) / 2)}\" y=\"{N((Top + Height - Bottom) / 2)}\" text-anchor=\"middle\">{Text(empty)}</text>");
        }
        else if (Stacked)
        {
            Bars();
        }
        else
        {
            Lines();
        }
        Hints();
        return _svg.Append("</svg></figure>\n").ToString();
    }

    private void Legend()
    {
        // Kept when there is nothing to name, so that plots side by side are of one height.
        _svg.Append("<div class=\"legend\">");
        if (Series.Count == 0)
        {
            _svg.Append("&nbsp;");
        }
        foreach (PlotSeries series in Series)
        {
            _svg.Append(CultureInfo.InvariantCulture, $"<span class=\"{series.Colour}{(series.Dashed ? " dashed" : "")}\">{Text(series.Name)}</span>");
        }
        _svg.Append("</div>");
    }

    private void Frame()
    {
        if (ShadedUntil is { } shaded && shaded > X.Min)
        {
            _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"warmup\" x=\"{N(Left)}\" y=\"{N(Top)}\" width=\"{N(AtX(shaded) - Left)}\" height=\"{N(Height - Bottom - Top)}\"/>");
            _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{N(Left + 4)}\" y=\"{N(Top + 12)}\">warm-up</text>");
        }
        foreach (double tick in Empty is null ? Y.Ticks : [])
        {
            double y = AtY(tick);
            _svg.Append(CultureInfo.InvariantCulture, $"<line class=\"grid\" x1=\"{N(Left)}\" x2=\"{N(Width - Right)}\" y1=\"{N(y)}\" y2=\"{N(y)}\"/>");
            _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{N(Left - 6)}\" y=\"{N(y + 4)}\" text-anchor=\"end\">{Text(FormatY(tick))}</text>");
        }
        double last = double.NegativeInfinity;
        foreach (double tick in X.Ticks)
        {
            double x = AtX(tick);
            string label = FormatX(tick);
            // About 7 units a character: labels that would touch are left out.
            double half = label.Length * 3.5;
            if (x - half < last)
            {
                continue;
            }
            last = x + half + 6;
            string anchor = x + half > Width ? "end" : "middle";
            _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{N(x)}\" y=\"{N(Height - Bottom + 15)}\" text-anchor=\"{anchor}\">{Text(label)}</text>");
        }
        _svg.Append(CultureInfo.InvariantCulture, $"<line class=\"axis\" x1=\"{N(Left)}\" x2=\"{N(Width - Right)}\" y1=\"{N(Height - Bottom)}\" y2=\"{N(Height - Bottom)}\"/>");
        _svg.Append(CultureInfo.InvariantCulture, $"<text class=\"tick\" x=\"{N((Left + Width - Right) / 2)}\" y=\"{N(Height - 4)}\" text-anchor=\"middle\">{Text(XLabel)}</text>");
    }

    private void Lines()
    {
        foreach (PlotSeries series in Series)
        {
            var path = new StringBuilder();
            bool pen = false;
            foreach ((double x, double y) in series.Points)
            {
                if (double.IsNaN(y))
                {
                    pen = false;
                    continue;
                }
                path.Append(CultureInfo.InvariantCulture, $"{(pen ? 'L' : 'M')}{N(AtX(x))} {N(AtY(y))}");
                pen = true;
            }
            _svg.Append(CultureInfo.InvariantCulture, $"<path class=\"line {series.Colour}{(series.Dashed ? " dashed" : "")}\" d=\"{path}\"/>");
            if (series.Points.Count(point => !double.IsNaN(point.Y)) == 1)
            {
                (double x, double y) = series.Points.First(point => !double.IsNaN(point.Y));
                _svg.Append(CultureInfo.InvariantCulture, $"<circle class=\"dot {series.Colour}\" cx=\"{N(AtX(x))}\" cy=\"{N(AtY(y))}\" r=\"3\"/>");
            }
        }
    }

    private void Bars()
    {
        int count = Series[0].Points.Count;
        double[] below = new double[count];
        foreach (PlotSeries series in Series)
        {
            for (int i = 0; i < count; i++)
            {
                (double x, double y) = series.Points[i];
                if (y > 0)
                {
                    double left = AtX(x) + 0.5;
                    double right = Math.Max(left + 1, AtX(x + BarWidth) - 0.5);
                    double top = AtY(below[i] + y);
                    _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"bar {series.Colour}\" x=\"{N(left)}\" y=\"{N(top)}\" width=\"{N(right - left)}\" height=\"{N(Math.Max(1, AtY(below[i]) - top))}\"/>");
                    below[i] += y;
                }
            }
        }
    }

    // Invisible strips, one for each x, that say the values when the pointer rests on them: no script is needed.
    private void Hints()
    {
        const int Most = 400;
        IReadOnlyList<(double X, double Y)> places = Series.Count == 0 ? [] : Series[0].Points;
        if (places.Count is 0 or > Most)
        {
            return;
        }
        for (int i = 0; i < places.Count; i++)
        {
            double x = AtX(places[i].X);
            double next = i + 1 < places.Count ? AtX(places[i + 1].X) : Width - Right;
            var hint = new StringBuilder($"{XLabel.Split(',')[0]} {FormatX(places[i].X)}");
            foreach (PlotSeries series in Series)
            {
                if (i < series.Points.Count && !double.IsNaN(series.Points[i].Y))
                {
                    hint.Append(CultureInfo.InvariantCulture, $"\n{series.Name}: {FormatY(series.Points[i].Y)}");
                }
            }
            _svg.Append(CultureInfo.InvariantCulture, $"<rect class=\"hint\" x=\"{N(x)}\" y=\"{N(Top)}\" width=\"{N(Math.Max(0.5, next - x))}\" height=\"{N(Height - Bottom - Top)}\"><title>{Text(hint.ToString())}</title></rect>");
        }
    }

    private double AtX(double value) => Left + (X.Place(value) * (Width - Left - Right));

    private double AtY(double value) => Height - Bottom - (Y.Place(value) * (Height - Top - Bottom));

    private static string N(double value) => value.ToString("0.##", CultureInfo.InvariantCulture);

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
