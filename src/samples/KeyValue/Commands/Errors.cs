using System.Text;

namespace KeyValue.Commands;

/// <summary>The words of the errors. Clients match on them, so they are Redis's own.</summary>
internal static class Errors
{
    public static ReadOnlySpan<byte> Syntax => "ERR syntax error"u8;

    public static ReadOnlySpan<byte> NotAnInteger => "ERR value is not an integer or out of range"u8;

    public static ReadOnlySpan<byte> NotAnInt32 => "ERR value is out of range, value must between -2147483648 and 2147483647"u8;

    public static ReadOnlySpan<byte> NotAFloat => "ERR value is not a valid float"u8;

    public static ReadOnlySpan<byte> Overflow => "ERR increment or decrement would overflow"u8;

    public static ReadOnlySpan<byte> DecrementOverflow => "ERR decrement would overflow"u8;

    public static ReadOnlySpan<byte> NotFinite => "ERR increment would produce NaN or Infinity"u8;

    public static ReadOnlySpan<byte> Offset => "ERR offset is out of range"u8;

    public static ReadOnlySpan<byte> TooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)"u8;

    public static ReadOnlySpan<byte> BitOffset => "ERR bit offset is not an integer or out of range"u8;

    public static ReadOnlySpan<byte> Bit => "ERR bit is not an integer or out of range"u8;

    public static ReadOnlySpan<byte> NoSuchKey => "ERR no such key"u8;

    public static ReadOnlySpan<byte> Cursor => "ERR invalid cursor"u8;

    public static ReadOnlySpan<byte> DatabaseNumber => "ERR DB index is out of range"u8;

    public static ReadOnlySpan<byte> SameObject => "ERR source and destination objects are the same"u8;

    public static ReadOnlySpan<byte> ExpiryOptions => "ERR NX and XX, GT or LT options at the same time are not compatible"u8;

    public static ReadOnlySpan<byte> NoAuth => "NOAUTH Authentication required."u8;

    public static ReadOnlySpan<byte> WrongPassword => "WRONGPASS invalid username-password pair or user is disabled."u8;

    public static ReadOnlySpan<byte> NoPassword =>
        "ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?"u8;

    public static ReadOnlySpan<byte> OutOfMemory => "OOM command not allowed when used memory > 'maxmemory'."u8;

    public static ReadOnlySpan<byte> NoCluster => "ERR This instance has cluster support disabled"u8;

    public static ReadOnlySpan<byte> ClientName => "ERR Client names cannot contain spaces, newlines or special characters."u8;

    /// <summary>An error's text as bytes, one octet per character: what a client sent comes back unchanged.</summary>
    public static byte[] Text(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Bytes of a client in an error's text.</summary>
    public static string Quote(ReadOnlySpan<byte> bytes, int most = 128)
    {
        bytes = bytes[..Math.Min(bytes.Length, most)];
        int end = bytes.IndexOf((byte)0);
        // A NUL ends it, as it does in Redis's own C strings.
        return Encoding.Latin1.GetString(end < 0 ? bytes : bytes[..end]);
    }

    /// <summary><c>wrong number of arguments</c>.</summary>
    public static string Arity(Command command) => $"ERR wrong number of arguments for '{command.FullName}' command";

    /// <summary><c>invalid expire time</c>.</summary>
    public static string ExpireTime(Command command) => $"ERR invalid expire time in '{command.FullName}' command";

    /// <summary>The command is not in the table.</summary>
    public static string Unknown(scoped in Resp.RespRequest request)
    {
        StringBuilder arguments = new();
        for (int i = 1; i < request.Count && arguments.Length < 128; i++)
        {
            int most = 128 - arguments.Length;
            arguments.Append('\'').Append(Quote(request[i], most)).Append("' ");
        }
        return $"ERR unknown command '{Quote(request[0])}', with args beginning with: {arguments}";
    }
}
