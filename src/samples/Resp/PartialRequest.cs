using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace Resp;

/// <summary>A request that arrives in pieces: the careful reader, which also finds the words for what is wrong.</summary>
internal sealed class PartialRequest(RespScratch scratch)
{
    // Larger buffers are left to the collector: the shared pool would keep them.
    private const int LargestPooled = 1024 * 1024;

    private enum Expect : byte
    {
        Marker,
        Count,
        Length,
        Payload,
        PayloadEnd,
        Inline,
        Nothing,
    }

    [InlineArray(RespLimits.LineBytes)]
    private struct Line
    {
        private byte _first;
    }

    private Expect _expect;
    private bool _carriageReturn;
    private byte _lineLength;
    private Line _line;
    private int _remainingArguments;
    private int _remainingPayload;
    private long _total;
    private byte[] _buffer = [];
    private int _used;
    private RespArgument[] _arguments = [];
    private int _count;
    private bool _unescaped;

    public bool IsComplete => _expect == Expect.Nothing;

    public int BufferedBytes => _buffer.Length + (_arguments.Length * 8);

    public RespViolation Violation { get; private set; }

    public byte Found { get; private set; }

    public RespRequest Request => _unescaped
        ? new RespRequest(scratch.Inline.WrittenSpan, scratch.Arguments.AsSpan(0, _count))
        : new RespRequest(_buffer.AsSpan(0, _used), _arguments.AsSpan(0, _count));

    public RespReadResult Read(ReadOnlySpan<byte> input, scoped ref int position, RespLimits limits)
    {
        while (position < input.Length && _expect != Expect.Nothing && Violation == RespViolation.None)
        {
            switch (_expect)
            {
                case Expect.Marker:
                    _expect = input[position] == '*' ? Expect.Count : Expect.Inline;
                    break;
                case Expect.Count:
                    ReadCount(input, ref position, limits);
                    break;
                case Expect.Length:
                    ReadLength(input, ref position, limits);
                    break;
                case Expect.Payload:
                    int length = Math.Min(_remainingPayload, input.Length - position);
                    Append(input.Slice(position, length));
                    position += length;
                    _remainingPayload -= length;
                    if (_remainingPayload == 0)
                    {
                        _expect = Expect.PayloadEnd;
                    }
                    break;
                case Expect.PayloadEnd:
                    ReadPayloadEnd(input[position++]);
                    break;
                default:
                    ReadInline(input, ref position, limits);
                    break;
            }
        }
        if (Violation != RespViolation.None)
        {
            Release();
            return RespReadResult.Violation;
        }
        return _expect == Expect.Nothing && _count > 0 ? RespReadResult.Request : RespReadResult.Incomplete;
    }

    public void Release()
    {
        if (_buffer.Length is > 0 and <= LargestPooled)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
        }
        _buffer = [];
        _arguments = [];
        _used = 0;
    }

    private void ReadCount(ReadOnlySpan<byte> input, scoped ref int position, RespLimits limits)
    {
        if (!ReadLine(input, ref position, RespViolation.CountTooLong, RespViolation.InvalidCount))
        {
            return;
        }
        if (!Parse(out long count) || count > limits.MaxArguments)
        {
            // Redis names the missing password only where the count would have been fine with it.
            Violation = limits.Unauthenticated && count > limits.MaxArguments && count <= int.MaxValue ? RespViolation.UnauthenticatedCount : RespViolation.InvalidCount;
            return;
        }
        _remainingArguments = (int)Math.Max(count, 0);
        _expect = count > 0 ? Expect.Length : Expect.Nothing;
    }

    private void ReadLength(ReadOnlySpan<byte> input, scoped ref int position, RespLimits limits)
    {
        if (_lineLength == 0 && !_carriageReturn && input[position] != '$')
        {
            Found = input[position];
            Violation = RespViolation.DollarExpected;
            return;
        }
        if (!ReadLine(input, ref position, RespViolation.LengthTooLong, RespViolation.InvalidLength))
        {
            return;
        }
        if (!Parse(out long length) || length < 0 || length > limits.MaxBulkBytes)
        {
            Violation = limits.Unauthenticated && length > limits.MaxBulkBytes && length <= 512 * 1024 * 1024 ? RespViolation.UnauthenticatedLength : RespViolation.InvalidLength;
            return;
        }
        _total += length + 6;
        if (_total > limits.MaxRequestBytes)
        {
            Violation = RespViolation.RequestTooLarge;
            return;
        }
        if (_count == _arguments.Length)
        {
            // Doubling what has arrived, never what was announced.
            Array.Resize(ref _arguments, Math.Max(4, _count * 2));
        }
        _arguments[_count++] = new RespArgument(_used, (int)length);
        _remainingPayload = (int)length;
        _expect = length > 0 ? Expect.Payload : Expect.PayloadEnd;
    }

    private void ReadPayloadEnd(byte b)
    {
        if (b != (_carriageReturn ? '\n' : '\r'))
        {
            Violation = RespViolation.PayloadEnd;
        }
        else if (!_carriageReturn)
        {
            _carriageReturn = true;
        }
        else
        {
            _carriageReturn = false;
            _expect = --_remainingArguments > 0 ? Expect.Length : Expect.Nothing;
        }
    }

    private void ReadInline(ReadOnlySpan<byte> input, scoped ref int position, RespLimits limits)
    {
        ReadOnlySpan<byte> rest = input[position..];
        int end = rest.IndexOf((byte)'\n');
        ReadOnlySpan<byte> piece = end < 0 ? rest : rest[..end];
        if (piece.Length > RespLimits.InlineBytes - _used)
        {
            Violation = RespViolation.InlineTooLong;
            return;
        }
        if (piece.Contains((byte)0))
        {
            Violation = RespViolation.InlineCharacter;
            return;
        }
        Append(piece);
        position += piece.Length;
        if (end < 0)
        {
            return;
        }
        position++;
        _expect = Expect.Nothing;
        _count = InlineRequest.Split(_buffer.AsSpan(0, _used), scratch);
        _unescaped = true;
        if (_count < 0)
        {
            Violation = RespViolation.UnbalancedQuotes;
        }
        else if (_count > limits.MaxArguments)
        {
            Violation = limits.Unauthenticated ? RespViolation.UnauthenticatedCount : RespViolation.InvalidCount;
        }
    }

    /// <summary>Collects a line, its marker included, up to CR LF.</summary>
    private bool ReadLine(ReadOnlySpan<byte> input, scoped ref int position, RespViolation tooLong, RespViolation malformed)
    {
        while (position < input.Length)
        {
            byte b = input[position++];
            if (_carriageReturn)
            {
                _carriageReturn = false;
                if (b == '\n')
                {
                    return true;
                }
                Violation = malformed;
                return false;
            }
            if (b == '\r')
            {
                _carriageReturn = true;
            }
            else if (_lineLength == RespLimits.LineBytes)
            {
                Violation = tooLong;
                return false;
            }
            else
            {
                _line[_lineLength++] = b;
            }
        }
        return false;
    }

    private bool Parse(out long value)
    {
        ReadOnlySpan<byte> digits = _line[1.._lineLength];
        _lineLength = 0;
        // One spelling per number: no plus, no leading zero, no "-0".
        ReadOnlySpan<byte> magnitude = digits.Length > 0 && digits[0] == '-' ? digits[1..] : digits;
        bool plain = magnitude.Length > 0 && char.IsAsciiDigit((char)magnitude[0]) && (magnitude[0] != '0' || digits.Length == 1);
        value = 0;
        return plain && Utf8Parser.TryParse(digits, out value, out int consumed) && consumed == digits.Length;
    }

    private void Append(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _used)
        {
            int size = Math.Max(_used + bytes.Length, _buffer.Length * 2);
            byte[] larger = size <= LargestPooled ? ArrayPool<byte>.Shared.Rent(Math.Max(size, 256)) : GC.AllocateUninitializedArray<byte>(size);
            _buffer.AsSpan(0, _used).CopyTo(larger);
            int used = _used;
            RespArgument[] arguments = _arguments;
            Release();
            _arguments = arguments;
            _buffer = larger;
            _used = used;
        }
        bytes.CopyTo(_buffer.AsSpan(_used));
        _used += bytes.Length;
    }
}
