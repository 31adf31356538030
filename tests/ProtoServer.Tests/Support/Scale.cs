using System.Globalization;

namespace ProtoServer.Tests;

/// <summary>Long tests do a tenth of their work by default; <c>PROTOSERVER_TEST_SCALE=1</c> does all of it.</summary>
internal static class Scale
{
    private static readonly double s_factor =
        double.TryParse(Environment.GetEnvironmentVariable("PROTOSERVER_TEST_SCALE"), NumberStyles.Float, CultureInfo.InvariantCulture, out double factor) ? factor : 0.1;

    /// <summary>Of the full <paramref name="count"/>, what this run does.</summary>
    public static int Of(int count) => Math.Max(1, (int)(count * s_factor));
}
