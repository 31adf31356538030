namespace Resp;

/// <summary>What <see cref="RespRequestReader.Read"/> found.</summary>
public enum RespReadResult
{
    /// <summary>A whole request.</summary>
    Request,

    /// <summary>All input was taken; the request goes on in the next bytes.</summary>
    Incomplete,

    /// <summary>The peer broke the grammar or a limit; nothing after this can be read.</summary>
    Violation,
}

/// <summary>Reads requests from a stream of bytes that is cut anywhere. One per connection.</summary>
/// <remarks>
/// Not thread-safe. A request that lies whole in the input is read in place. One that is cut is collected octet by octet as it
/// arrives, so nothing is scanned twice and nothing is allocated for what a peer only announces. Between requests a reader holds no buffer.
/// </remarks>
public sealed class RespRequestReader(RespLimits limits, RespScratch scratch)
{
    private PartialRequest? _partial;
    private bool _inPlace;

    /// <summary>The limits for what is read from now on.</summary>
    public RespLimits Limits { get; set; } = limits;

    /// <summary>Bytes held for a request that has begun and not ended.</summary>
    public int BufferedBytes => _partial?.BufferedBytes ?? 0;

    /// <summary>Whether a request has begun and not ended.</summary>
    public bool IsInsideRequest => _partial is { IsComplete: false };

    /// <summary>What was broken, after <see cref="RespReadResult.Violation"/>.</summary>
    public RespViolation Violation { get; private set; }

    /// <summary>The octet that stood where a dollar sign must, for <see cref="RespViolation.DollarExpected"/>.</summary>
    public byte Found => _partial?.Found ?? 0;

    /// <summary>Takes the next request from <paramref name="input"/> at <paramref name="position"/>.</summary>
    /// <param name="input">Bytes as they came.</param>
    /// <param name="position">Moves behind what was taken: behind the request, or to the end when the request is incomplete.</param>
    /// <param name="request">Valid until the next call and no longer than <paramref name="input"/>.</param>
    public RespReadResult Read(ReadOnlySpan<byte> input, scoped ref int position, out RespRequest request)
    {
        while (true)
        {
            if (_partial is { IsComplete: true })
            {
                _partial.Release();
                _partial = null;
                scratch.Trim();
            }
            if (_partial is null)
            {
                while (position < input.Length)
                {
                    int count = input[position] == '*' ? ReadWhole(input, ref position) : ReadLine(input, ref position);
                    if (count > 0)
                    {
                        request = new RespRequest(
                            _inPlace ? input : scratch.Inline.WrittenSpan,
                            scratch.Arguments.AsSpan(0, count));
                        return RespReadResult.Request;
                    }
                    if (count < 0)
                    {
                        break;
                    }
                }
                if (position == input.Length)
                {
                    request = default;
                    return RespReadResult.Incomplete;
                }
                _partial = new PartialRequest(scratch);
            }
            RespReadResult result = _partial.Read(input, ref position, Limits);
            if (result == RespReadResult.Request)
            {
                request = _partial.Request;
                return result;
            }
            if (!_partial.IsComplete || result != RespReadResult.Incomplete)
            {
                request = default;
                Violation = _partial.Violation;
                return result;
            }
            // A blank line or an empty array: nothing to answer, so go on with what follows.
        }
    }

    /// <summary>Returns the number of arguments; 0 for an empty array; -1, moving nothing, for whatever is not whole, plain and allowed.</summary>
    private int ReadWhole(ReadOnlySpan<byte> input, ref int position)
    {
        int p = position + 1;
        int count = ReadLength(input, ref p);
        if (count == 0)
        {
            position = p;
            return 0;
        }
        if (count < 0 || count > Limits.MaxArguments)
        {
            return -1;
        }
        RespArgument[] arguments = scratch.Arguments;
        int first = p;
        for (int i = 0; i < count; i++)
        {
            if ((uint)p >= (uint)input.Length || input[p] != '$')
            {
                return -1;
            }
            p++;
            int length = ReadLength(input, ref p);
            if ((uint)length > (uint)Limits.MaxBulkBytes || input.Length - p < length + 2)
            {
                return -1;
            }
            if (i == arguments.Length)
            {
                arguments = scratch.Grow();
            }
            arguments[i] = new RespArgument(p, length);
            p += length + 2;
            if (input[p - 2] != '\r' || input[p - 1] != '\n')
            {
                return -1;
            }
        }
        if (p - first > Limits.MaxRequestBytes)
        {
            return -1;
        }
        position = p;
        _inPlace = true;
        return count;
    }

    /// <summary>The same for a typed line.</summary>
    private int ReadLine(ReadOnlySpan<byte> input, ref int position)
    {
        ReadOnlySpan<byte> rest = input[position..];
        int end = rest.IndexOf((byte)'\n');
        if ((uint)end > RespLimits.InlineBytes)
        {
            return -1;
        }
        ReadOnlySpan<byte> line = rest[..end];
        if (line.Contains((byte)0))
        {
            return -1;
        }
        int count = InlineRequest.Split(line, scratch);
        if (count > Limits.MaxArguments || count < 0)
        {
            return -1;
        }
        position += end + 1;
        _inPlace = false;
        return count;
    }

    private static int ReadLength(ReadOnlySpan<byte> input, ref int p)
    {
        int start = p;
        int value = 0;
        int i = p;
        while ((uint)i < (uint)input.Length)
        {
            uint digit = (uint)(input[i] - '0');
            if (digit > 9)
            {
                break;
            }
            value = (value * 10) + (int)digit;
            i++;
        }
        int digits = i - start;
        // Nine digits cannot overflow; anything longer or odd is left to the careful reader, which has the words for it.
        if ((uint)(digits - 1) > 8 || (digits > 1 && input[start] == '0') || i + 1 >= input.Length || input[i] != '\r' || input[i + 1] != '\n')
        {
            return -1;
        }
        p = i + 2;
        return value;
    }
}
