using System.Globalization;

namespace ProtoServer.LoadTest.Plan;

/// <summary>Numbers with units, as they are typed and as they are printed.</summary>
internal static class Quantity
{
    /// <summary><c>250us</c>, <c>500ms</c>, <c>2s</c>, <c>1.5m</c>, <c>1h</c>; a bare number is seconds.</summary>
    public static bool TryParseDuration(string text, out TimeSpan value)
    {
        (double factor, int suffix) = text switch
        {
            _ when text.EndsWith("us", StringComparison.OrdinalIgnoreCase) || text.EndsWith("µs", StringComparison.Ordinal) => (1e-6, 2),
            _ when text.EndsWith("ms", StringComparison.OrdinalIgnoreCase) => (1e-3, 2),
            _ when text.EndsWith('s') => (1, 1),
            _ when text.EndsWith('m') => (60, 1),
            _ when text.EndsWith('h') => (3600, 1),
            _ => (1.0, 0),
        };
        value = default;
        if (!TryParseNumber(text[..^suffix], out double number) || number * factor > TimeSpan.FromDays(7).TotalSeconds)
        {
            return false;
        }
        value = TimeSpan.FromTicks((long)Math.Round(number * factor * TimeSpan.TicksPerSecond));
        return true;
    }

    /// <summary>Bytes: <c>64</c>, <c>4k</c> (4096), <c>1m</c> (1048576).</summary>
    public static bool TryParseSize(string text, out int value)
    {
        bool good = TryParseScaled(text, 1024, out double number) && number is >= 0 and <= int.MaxValue && number == Math.Floor(number);
        value = good ? (int)number : 0;
        return good;
    }

    /// <summary>Things: <c>1000</c>, <c>10k</c> (10000), <c>1m</c> (1000000).</summary>
    public static bool TryParseCount(string text, out long value)
    {
        bool good = TryParseScaled(text, 1000, out double number) && number is >= 0 and <= 1e15 && number == Math.Floor(number);
        value = good ? (long)number : 0;
        return good;
    }

    /// <summary>Things per second: <c>1000</c>, <c>1000/s</c>, <c>10k/s</c>, <c>600/m</c>.</summary>
    public static bool TryParseRate(string text, out double perSecond)
    {
        double divisor = 1;
        if (text.EndsWith("/s", StringComparison.OrdinalIgnoreCase))
        {
            text = text[..^2];
        }
        else if (text.EndsWith("/m", StringComparison.OrdinalIgnoreCase))
        {
            text = text[..^2];
            divisor = 60;
        }
        bool good = TryParseScaled(text, 1000, out perSecond) && perSecond <= 1e9;
        perSecond /= divisor;
        return good;
    }

    /// <summary>A duration with three significant digits and the unit that suits it.</summary>
    public static string Duration(double milliseconds) => milliseconds switch
    {
        0 => "0 ms",
        < 1 => string.Create(CultureInfo.InvariantCulture, $"{Significant(milliseconds * 1000)} µs"),
        < 1000 => string.Create(CultureInfo.InvariantCulture, $"{Significant(milliseconds)} ms"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Significant(milliseconds / 1000)} s"),
    };

    /// <summary>A duration as an option takes it: <c>30s</c>, <c>250ms</c>.</summary>
    public static string Option(TimeSpan value) => value.TotalSeconds == Math.Floor(value.TotalSeconds)
        ? string.Create(CultureInfo.InvariantCulture, $"{value.TotalSeconds:0}s")
        : string.Create(CultureInfo.InvariantCulture, $"{value.TotalMilliseconds:0.###}ms");

    /// <summary>A count with thousands separated: <c>1,234,567</c>.</summary>
    public static string Count(long value) => value.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A rate: <c>12,345/s</c>; below 100 with one decimal.</summary>
    public static string Rate(double perSecond) => perSecond < 100
        ? perSecond.ToString("0.#", CultureInfo.InvariantCulture) + "/s"
        : perSecond.ToString("#,0", CultureInfo.InvariantCulture) + "/s";

    /// <summary>Bytes per second in the decimal unit that suits them.</summary>
    public static string Throughput(double bytesPerSecond) => bytesPerSecond switch
    {
        < 1e3 => string.Create(CultureInfo.InvariantCulture, $"{bytesPerSecond:0} B/s"),
        < 1e6 => string.Create(CultureInfo.InvariantCulture, $"{Significant(bytesPerSecond / 1e3)} kB/s"),
        < 1e9 => string.Create(CultureInfo.InvariantCulture, $"{Significant(bytesPerSecond / 1e6)} MB/s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{Significant(bytesPerSecond / 1e9)} GB/s"),
    };

    private static string Significant(double value) =>
        value.ToString(value < 9.995 ? "0.00" : value < 99.95 ? "0.0" : "0", CultureInfo.InvariantCulture);

    private static bool TryParseScaled(string text, double thousand, out double value)
    {
        double factor = 1;
        if (text.EndsWith('k') || text.EndsWith('K'))
        {
            factor = thousand;
        }
        else if (text.EndsWith('m') || text.EndsWith('M'))
        {
            factor = thousand * thousand;
        }
        bool good = TryParseNumber(factor == 1 ? text : text[..^1], out value);
        value *= factor;
        return good;
    }

    private static bool TryParseNumber(string text, out double value) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
}
