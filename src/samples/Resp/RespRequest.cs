namespace Resp;

/// <summary>One request: a command name and its arguments.</summary>
/// <remarks>The bytes belong to the reader or to the transport and die with the call that handed the request out: copy what you keep.</remarks>
public readonly ref struct RespRequest
{
    private readonly ReadOnlySpan<byte> _bytes;
    private readonly ReadOnlySpan<RespArgument> _arguments;

    internal RespRequest(ReadOnlySpan<byte> bytes, ReadOnlySpan<RespArgument> arguments)
    {
        _bytes = bytes;
        _arguments = arguments;
    }

    /// <summary>How many arguments, the command name being the first: at least one.</summary>
    public int Count => _arguments.Length;

    /// <summary>The argument at <paramref name="index"/>; 0 is the command name.</summary>
    public ReadOnlySpan<byte> this[int index]
    {
        get
        {
            RespArgument argument = _arguments[index];
            return _bytes.Slice(argument.Start, argument.Length);
        }
    }

    /// <summary>The same bytes without the first <paramref name="count"/> arguments.</summary>
    public RespRequest Skip(int count) => new(_bytes, _arguments[count..]);
}

/// <summary>Where an argument lies in its request's bytes.</summary>
internal readonly record struct RespArgument(int Start, int Length);
