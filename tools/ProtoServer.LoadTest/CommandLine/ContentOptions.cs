using System.CommandLine;
using ProtoServer.LoadTest.Content;

namespace ProtoServer.LoadTest.CommandLine;

/// <summary>The options that say what is sent, scenario by scenario.</summary>
internal sealed class ContentOptions
{
    private readonly Option<SizeRange?> _size = ParsedOption.Size("--size", "Bytes per message (kv: per value), line ending included; a range draws evenly. Default 64, from 16 to 16m.", "-s");
    private readonly Option<string> _framing = Choice("--framing", "What ends a message: lines (\\n), crlf (\\r\\n), or fixed (nothing: its size).", "lines", "crlf", "fixed");
    private readonly Option<bool> _noVerify = new("--no-verify") { Description = "Count the replies, do not look at them." };
    private readonly Option<string?> _ratio = new("--ratio") { HelpName = "SET:GET", Description = "Shares of SET and GET. Default 1:10." };
    private readonly Option<long?> _keys = ParsedOption.Count("--keys", "Keys, shared by all connections. Default 100000.");
    private readonly Option<string?> _keyDistribution = new("--key-dist") { HelpName = "DIST", Description = "Which keys are asked for: uniform, zipf:EXPONENT, or seq. Default uniform." };
    private readonly Option<string?> _keyPrefix = new("--key-prefix") { HelpName = "TEXT", Description = "What stands before a key's twelve digits. Default key:." };
    private readonly Option<string> _message = new("--message", "-m")
    {
        HelpName = "TEMPLATE",
        Required = true,
        Description = "What is sent: text with \\r \\n \\t \\xHH, and {conn} {seq} {rand:1..1000} {hex:16} {file:path}.",
    };

    private readonly Option<string?> _expect = new("--expect") { HelpName = "TEMPLATE", Description = "The reply, byte by byte; may contain {conn} and {seq} of its request." };
    private readonly Option<long?> _expectLines = ParsedOption.Count("--expect-lines", "A reply is so many lines. The default, with 1.");
    private readonly Option<long?> _expectBytes = ParsedOption.Count("--expect-bytes", "A reply is so many bytes.");
    private readonly Option<bool> _expectResp = new("--expect-resp") { Description = "A reply is one RESP value, and no error." };
    private readonly Option<bool> _expectNone = new("--expect-none") { Description = "There are no replies: measures how fast the server takes messages." };
    private readonly Option<long?> _perConnection = ParsedOption.Count("--per-connection", "Requests on each connection before it is closed. Default 1.");

    public void AddEcho(Command command) => Add(command, _size, _framing, _noVerify);

    public void AddKv(Command command) => Add(command, _size, _ratio, _keys, _keyDistribution, _keyPrefix, _noVerify);

    public void AddRaw(Command command) => Add(command, _message, _expect, _expectLines, _expectBytes, _expectResp, _expectNone);

    public void AddChurn(Command command)
    {
        AddEcho(command);
        command.Add(_perConnection);
    }

    public int RequestsPerConnection(ParseResult arguments) => (int)Math.Min(int.MaxValue, arguments.GetValue(_perConnection) ?? 1);

    /// <exception cref="FormatException">A value is out of range.</exception>
    public EchoSource Echo(ParseResult arguments, int seed)
    {
        LineEnding ending = arguments.GetValue(_framing) switch { "crlf" => LineEnding.CrLf, "fixed" => LineEnding.None, _ => LineEnding.Lf };
        return new EchoSource(Size(arguments), ending, !arguments.GetValue(_noVerify), seed);
    }

    /// <exception cref="FormatException">A value is out of range.</exception>
    public KvSource Kv(ParseResult arguments, int seed, int connections)
    {
        string ratio = arguments.GetValue(_ratio) ?? "1:10";
        string[] shares = ratio.Split(':');
        if (shares.Length != 2 || !int.TryParse(shares[0], out int sets) || !int.TryParse(shares[1], out int gets)
            || sets is < 0 or > 1_000_000 || gets is < 0 or > 1_000_000 || sets + gets == 0)
        {
            throw new FormatException($"--ratio: '{ratio}' is no SET:GET ratio such as 1:10.");
        }
        long keys = arguments.GetValue(_keys) ?? 100_000;
        if (keys > int.MaxValue)
        {
            throw new FormatException("--keys: at most 2147483647.");
        }
        string name = arguments.GetValue(_keyDistribution) ?? "uniform";
        if (!KeyDistribution.TryParse(name, (uint)keys, connections, out KeyDistribution? distribution))
        {
            throw new FormatException($"--key-dist: '{name}' is not uniform, zipf:EXPONENT (0 to 10) or seq.");
        }
        return new KvSource(Size(arguments), sets, gets, distribution!, arguments.GetValue(_keyPrefix) ?? "key:", !arguments.GetValue(_noVerify), seed);
    }

    /// <exception cref="FormatException">A template cannot be read, or several rules are given.</exception>
    public RawSource Raw(ParseResult arguments, int seed)
    {
        Template message = Template.Parse(arguments.GetValue(_message)!);
        if (message.MaxBytes == 0)
        {
            throw new FormatException("--message: at least one byte is needed.");
        }
        string? expect = arguments.GetValue(_expect);
        long? lines = arguments.GetValue(_expectLines);
        long? bytes = arguments.GetValue(_expectBytes);
        int rules = (expect is null ? 0 : 1) + (lines is null ? 0 : 1) + (bytes is null ? 0 : 1) + (arguments.GetValue(_expectResp) ? 1 : 0) + (arguments.GetValue(_expectNone) ? 1 : 0);
        if (rules > 1)
        {
            throw new FormatException("--expect...: give one rule for what a reply is.");
        }
        if (bytes > MaxSize)
        {
            throw new FormatException("--expect-bytes: at most 16m.");
        }
        if (expect is not null)
        {
            Template expected = Template.Parse(expect);
            if (expected.IsRandom || expected.MaxBytes == 0)
            {
                throw new FormatException("--expect: at least one byte, and no {rand} or {hex}: a reply must be known beforehand.");
            }
            return new RawSource(message, ReplyRule.Literal, expected, 0, seed);
        }
        ReplyRule rule = arguments.GetValue(_expectNone) ? ReplyRule.None : arguments.GetValue(_expectResp) ? ReplyRule.Resp : bytes is not null ? ReplyRule.Bytes : ReplyRule.Lines;
        return new RawSource(message, rule, null, (int)Math.Min(int.MaxValue, bytes ?? lines ?? 1), seed);
    }

    private const int MaxSize = 16 * 1024 * 1024;

    private SizeRange Size(ParseResult arguments)
    {
        SizeRange size = arguments.GetValue(_size) ?? new SizeRange(64, 64);
        return size.Min >= Payload.MinBytes && size.Max <= MaxSize
            ? size
            : throw new FormatException("--size: from 16 (8 for the sequence number, 8 for the checksum) to 16m; shorter messages can be sent with raw.");
    }

    private static void Add(Command command, params Option[] options)
    {
        foreach (Option option in options)
        {
            command.Add(option);
        }
    }

    private static Option<string> Choice(string name, string description, params string[] choices)
    {
        var option = new Option<string>(name) { Description = $"{description} Default {choices[0]}.", HelpName = string.Join('|', choices) };
        option.AcceptOnlyFromAmong(choices);
        return option;
    }
}
