namespace Resp;

/// <summary>Finds what pipelined requests will ask for, before they are read.</summary>
public static class RespLookahead
{
    // Longer requests say nothing about the cost of those behind them.
    private const int MostArguments = 8;

    /// <summary>Finds the first argument behind the command name, in the requests that begin at <paramref name="position"/>.</summary>
    /// <remarks>
    /// Only a hint: it ends at whatever is not whole, short and plainly spelled, decides nothing, and leaves every check to <see cref="RespRequestReader"/>.
    /// A request without arguments is passed over.
    /// </remarks>
    /// <param name="input">Bytes as they came.</param>
    /// <param name="position">Where a request begins; moves behind the last one that was looked at, or to the end when nothing more can be told.</param>
    /// <param name="arguments">Gets where they lie.</param>
    /// <returns>How many were found.</returns>
    public static int FirstArguments(ReadOnlySpan<byte> input, scoped ref int position, scoped Span<Range> arguments)
    {
        int found = 0;
        int p = position;
        while (found < arguments.Length)
        {
            if (!TryReadLength(input, (byte)'*', ref p, out int count) || count > MostArguments)
            {
                position = input.Length;
                return found;
            }
            for (int i = 0; i < count; i++)
            {
                if (!TryReadLength(input, (byte)'$', ref p, out int length) || input.Length - p < length + 2)
                {
                    position = input.Length;
                    return found;
                }
                if (i == 1)
                {
                    arguments[found++] = p..(p + length);
                }
                p += length + 2;
            }
        }
        position = p;
        return found;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> input, byte marker, ref int p, out int length)
    {
        length = 0;
        // The marker, four digits at most, and the end of the line.
        if (input.Length - p < 7 || input[p] != marker)
        {
            return false;
        }
        int i = p + 1;
        for (uint digit; i < p + 5 && (digit = (uint)(input[i] - '0')) <= 9; i++)
        {
            length = (length * 10) + (int)digit;
        }
        bool isPlain = i > p + 1 && input[i] == '\r';
        p = i + 2;
        return isPlain;
    }
}
