using System.CommandLine;
using System.CommandLine.Parsing;
using ProtoServer.LoadTest.Content;
using ProtoServer.LoadTest.Plan;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>Options whose values have units, each with the message for a value that it cannot read.</summary>
internal static class ParsedOption
{
    private delegate bool TryParse<T>(string text, out T value);

    public static Option<TimeSpan?> Duration(string name, string description, params string[] aliases) =>
        Nullable<TimeSpan>(name, aliases, "TIME", description, Quantity.TryParseDuration, "a time such as 500ms, 30s or 2m");

    public static Option<double?> Rate(string name, string description, params string[] aliases) =>
        Nullable<double>(name, aliases, "RATE", description, (string text, out double value) => Quantity.TryParseRate(text, out value) && value > 0,
            "a rate above zero such as 1000, 10k/s or 600/m");

    public static Option<long?> Count(string name, string description, params string[] aliases) =>
        Nullable<long>(name, aliases, "N", description, (string text, out long value) => Quantity.TryParseCount(text, out value) && value > 0,
            "a number above zero such as 1000, 100k or 1m");

    public static Option<SizeRange?> Size(string name, string description, params string[] aliases) =>
        Nullable<SizeRange>(name, aliases, "SIZE", description, SizeRange.TryParse, "a size such as 64, 4k or 16..4096");

    public static Option<IReadOnlyList<RampStage>?> Ramp(string name, string description) => new(name)
    {
        HelpName = "RATE:TIME,...",
        Description = description,
        CustomParser = result => Read<IReadOnlyList<RampStage>>(result, RampStage.TryParse, "stages such as 100:10s,1000:30s (ramp to) or 1000@30s (stay at)", out var value) ? value : null,
    };

    public static Argument<Target> Target() => new("HOST:PORT")
    {
        Description = "The server: HOST:PORT, [IPV6]:PORT, or unix:/path/to/socket.",
        CustomParser = result => ReadTarget(result)!,
    };

    public static Option<Target?> Target(string name, string description) => new(name)
    {
        HelpName = "HOST:PORT",
        Description = description,
        CustomParser = ReadTarget,
    };

    private static Target? ReadTarget(ArgumentResult result) =>
        Read<Target?>(result, Plan.Target.TryParse, "an address such as 127.0.0.1:7000, [::1]:7000 or unix:/tmp/server.sock", out Target? value) ? value : null;

    private static Option<T?> Nullable<T>(string name, string[] aliases, string helpName, string description, TryParse<T> parse, string expected) where T : struct =>
        new(name, aliases)
        {
            HelpName = helpName,
            Description = description,
            CustomParser = result => Read(result, parse, expected, out T value) ? value : null,
        };

    private static bool Read<T>(ArgumentResult result, TryParse<T> parse, string expected, out T value)
    {
        string text = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
        if (parse(text, out value))
        {
            return true;
        }
        string name = result.Parent is OptionResult option ? option.IdentifierToken?.Value ?? option.Option.Name : result.Argument.Name;
        result.AddError($"{name}: '{text}' is not {expected}.");
        return false;
    }
}
