namespace ProtoServer.LoadTest.Content;

/// <summary>The echo scenario: each message is expected back as it was sent.</summary>
internal sealed class EchoSource : IDialogueSource
{
    private readonly SizeRange _sizes;
    private readonly LineEnding _ending;
    private readonly bool _verify;
    private readonly int _seed;
    private readonly Payload _payload;

    /// <param name="sizes">Bytes per message, line ending included; at least <see cref="Payload.MinBytes"/>.</param>
    /// <param name="ending">None: messages are told apart by their size.</param>
    /// <param name="verify">False: a reply is any line, or any bytes of the right number.</param>
    /// <param name="seed">Chooses bytes and sizes.</param>
    public EchoSource(SizeRange sizes, LineEnding ending, bool verify, int seed)
    {
        _sizes = sizes;
        _ending = ending;
        _verify = verify;
        _seed = seed;
        _payload = new Payload(sizes, sizes.Max, seed, ending);
    }

    public string Description => $"{(_ending == LineEnding.None ? "messages" : "lines")} of {_sizes}, {(_verify ? "every reply verified" : "replies not verified")}";

    public int LongestReplyBytes => _sizes.Max;

    public Dialogue Open(int connection, int pipeline) => _verify
        ? new VerifiedEchoDialogue(_payload, _sizes, _ending, _seed, (uint)connection)
        : new PlainEchoDialogue(_payload, _sizes, _ending, _seed, (uint)connection);
}
