using System.Globalization;

namespace ProtoServer.SpecVectors;

/// <summary>Reads the vectors out of protocol-spec.md, which describes their form in its chapter 1.</summary>
public static class SpecFile
{
    private const string Fence = "```";

    /// <summary>All vectors of a sample, in the order of the page.</summary>
    public static IReadOnlyList<SpecVector> Read(string path, string sample)
    {
        SpecVector[] vectors = [.. Parse(File.ReadAllLines(path)).Where(vector => vector.Sample == sample)];
        return vectors.Length > 0 ? vectors : throw new FormatException($"{path} holds no vector for {sample}.");
    }

    /// <summary>All vectors of a page.</summary>
    public static IReadOnlyList<SpecVector> Parse(IReadOnlyList<string> lines)
    {
        List<SpecVector> vectors = [];
        for (int at = 0; at < lines.Count; at++)
        {
            string[] info = lines[at].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (info is not ["```vector", ..])
            {
                continue;
            }

            if (info is not [_, string sample, string name] || vectors.Any(vector => vector.Sample == sample && vector.Name == name))
            {
                throw Malformed(at, "a vector needs a sample and a name of its own");
            }

            int first = at + 1;
            List<string> arguments = [];
            List<SpecStep> steps = [];
            for (at++; at < lines.Count && lines[at] != Fence; at++)
            {
                ParseStep(lines[at], at, arguments, steps);
            }

            if (at == lines.Count || steps.Count == 0)
            {
                throw Malformed(first - 1, "a vector has steps and an end");
            }

            vectors.Add(new SpecVector(sample, name, first, arguments, steps));
        }

        return vectors;
    }

    /// <summary>The octets of a step's data.</summary>
    public static byte[] ParseData(string text)
    {
        List<byte> data = [];
        int at = 0;
        while (true)
        {
            SkipBlanks(text, ref at);
            if (at == text.Length)
            {
                return data.Count > 0 ? [.. data] : throw new FormatException("no data");
            }

            byte[] piece = ParseString(text, ref at);
            SkipBlanks(text, ref at);
            int times = 1;
            if (at < text.Length && text[at] == '*')
            {
                at++;
                SkipBlanks(text, ref at);
                int digits = at;
                while (at < text.Length && char.IsAsciiDigit(text[at]))
                {
                    at++;
                }

                times = int.Parse(text.AsSpan(digits, at - digits), NumberStyles.None, CultureInfo.InvariantCulture);
            }

            for (; times > 0; times--)
            {
                data.AddRange(piece);
            }
        }
    }

    private static void ParseStep(string line, int at, List<string> arguments, List<SpecStep> steps)
    {
        string[] words = line.Split(' ', 2, StringSplitOptions.RemoveEmptyEntries);
        try
        {
            switch (words)
            {
                case [] or ["#", ..]:
                    break;
                case ["args", string options] when steps.Count == 0 && arguments.Count == 0:
                    arguments.AddRange(options.Split(' ', StringSplitOptions.RemoveEmptyEntries));
                    break;
                case ["send", string data]:
                    steps.Add(new SpecStep(SpecAction.Send, ParseData(data), at + 1));
                    break;
                case ["expect", string data]:
                    steps.Add(new SpecStep(SpecAction.Expect, ParseData(data), at + 1));
                    break;
                case ["half-close"]:
                    steps.Add(new SpecStep(SpecAction.HalfClose, [], at + 1));
                    break;
                case ["expect-close"]:
                    steps.Add(new SpecStep(SpecAction.ExpectClose, [], at + 1));
                    break;
                default:
                    throw new FormatException("not a step");
            }
        }
        catch (FormatException exception)
        {
            throw Malformed(at, $"{exception.Message}: {line}");
        }
    }

    private static byte[] ParseString(string text, ref int at)
    {
        if (text[at++] != '"')
        {
            throw new FormatException("a string begins with a double quote");
        }

        List<byte> octets = [];
        while (at < text.Length)
        {
            char c = text[at++];
            switch (c)
            {
                case '"':
                    return [.. octets];
                case '\\' when at < text.Length:
                    octets.Add(ParseEscape(text, ref at));
                    break;
                case '\\' or > '\x7E' or < ' ':
                    throw new FormatException("octets outside printable ASCII are written as escapes");
                default:
                    octets.Add((byte)c);
                    break;
            }
        }

        throw new FormatException("a string ends with a double quote");
    }

    private static byte ParseEscape(string text, ref int at)
    {
        switch (text[at++])
        {
            case 'r':
                return (byte)'\r';
            case 'n':
                return (byte)'\n';
            case 't':
                return (byte)'\t';
            case '"':
                return (byte)'"';
            case '\\':
                return (byte)'\\';
            case 'x' when at + 2 <= text.Length:
                at += 2;
                return byte.Parse(text.AsSpan(at - 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
            default:
                throw new FormatException("not an escape");
        }
    }

    private static void SkipBlanks(string text, ref int at)
    {
        while (at < text.Length && text[at] == ' ')
        {
            at++;
        }
    }

    private static FormatException Malformed(int at, string why) => new($"Line {at + 1}: {why}.");
}
