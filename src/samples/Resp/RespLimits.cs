namespace Resp;

/// <summary>What a reader of requests accepts; one past each is a <see cref="RespViolation"/>.</summary>
public sealed record RespLimits
{
    /// <summary>Octets of a count or length line, its marker included and CR LF excluded. No number that is allowed is longer.</summary>
    public const int LineBytes = 32;

    /// <summary>Octets of an inline request before its LF.</summary>
    public const int InlineBytes = 65_536;

    /// <summary>Arguments of one request. Default 1,048,576.</summary>
    public int MaxArguments { get; init; } = 1_048_576;

    /// <summary>Octets of one argument. Default 64 MiB, at most 512 MiB.</summary>
    public int MaxBulkBytes { get; init; } = 64 * 1024 * 1024;

    /// <summary>Octets of all arguments of one request together. Default 128 MiB.</summary>
    public int MaxRequestBytes { get; init; } = 128 * 1024 * 1024;

    /// <summary>Whether the violations are named as those of a client that has not authenticated.</summary>
    public bool Unauthenticated { get; init; }

    /// <summary>What a client may send before it has given the password: enough for AUTH and HELLO, too little to hurt.</summary>
    public static RespLimits BeforeAuthentication { get; } = new()
    {
        MaxArguments = 10,
        MaxBulkBytes = 16_384,
        MaxRequestBytes = 1024 * 1024,
        Unauthenticated = true,
    };
}
