using System.Buffers.Text;
using KeyValue.Store;
using Resp;

namespace KeyValue.Commands;

/// <summary>A command being carried out: its arguments, and what it works on.</summary>
/// <remarks>Dies with the call. The <c>Fail</c> methods write the error as the reply.</remarks>
internal readonly ref struct CommandCall
{
    private readonly RespRequest _request;

    public CommandCall(KeyValueServer server, Session session, Command command, scoped in RespRequest request)
    {
        Server = server;
        Session = session;
        Command = command;
        _request = request;
    }

    public KeyValueServer Server { get; }

    public Session Session { get; }

    public Command Command { get; }

    public Database Database => Session.Database;

    public KeySpace Space => Server.Space;

    /// <summary>How many arguments, the name being the first.</summary>
    public int Count => _request.Count;

    /// <summary>An argument; 0 is the name as the client spelled it.</summary>
    public ReadOnlySpan<byte> this[int index] => _request[index];

    /// <summary>Whether an argument is <paramref name="word"/>, in capitals or not.</summary>
    public bool Is(int index, ReadOnlySpan<byte> word) => System.Text.Ascii.EqualsIgnoreCase(_request[index], word);

    /// <summary>Reads a number, or fails in the words for it.</summary>
    public bool TryNumber(int index, out long value, ref RespWriter reply)
    {
        if (Integers.TryParse(_request[index], out value))
        {
            return true;
        }
        Fail(ref reply, Errors.NotAnInteger);
        return false;
    }

    /// <summary>Reads a number of 32 bits, or fails in the words for it.</summary>
    public bool TryInt32(int index, out int value, ref RespWriter reply)
    {
        value = 0;
        if (!TryNumber(index, out long number, ref reply))
        {
            return false;
        }
        if (number is < int.MinValue or > int.MaxValue)
        {
            Fail(ref reply, Errors.NotAnInt32);
            return false;
        }
        value = (int)number;
        return true;
    }

    /// <summary>Writes an error.</summary>
    public void Fail(ref RespWriter reply, ReadOnlySpan<byte> text)
    {
        Server.Statistics.CountError(text);
        Server.Statistics.Of(Command).Failed++;
        reply.Error(text);
    }

    /// <summary>Writes an error that names things.</summary>
    public void Fail(ref RespWriter reply, string text) => Fail(ref reply, Errors.Text(text));

    /// <summary>A number that may have a fraction, in the spellings that clients use.</summary>
    public static bool TryFloat(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (text.IsEmpty || text.Length > 256 || text[0] <= ' ' || text[^1] <= ' ')
        {
            return false;
        }
        string word = System.Text.Encoding.Latin1.GetString(text).ToLowerInvariant().TrimStart('+');
        bool isInfinite = word is "inf" or "infinity" or "-inf" or "-infinity";
        if (isInfinite)
        {
            value = word[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }
        return Utf8Parser.TryParse(text[0] == '+' ? text[1..] : text, out value, out int consumed)
            && consumed == text.Length - (text[0] == '+' ? 1 : 0)
            && double.IsFinite(value);
    }
}
