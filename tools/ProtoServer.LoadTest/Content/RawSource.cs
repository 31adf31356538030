namespace ProtoServer.LoadTest.Content;

/// <summary>The raw scenario: any message, any reply.</summary>
/// <param name="Message">What is sent.</param>
/// <param name="Rule">How a reply is recognised.</param>
/// <param name="Expected">The reply, for <see cref="ReplyRule.Literal"/>.</param>
/// <param name="Amount">Lines or bytes of a reply.</param>
/// <param name="Seed">Chooses the random gaps.</param>
internal sealed record RawSource(Template Message, ReplyRule Rule, Template? Expected, int Amount, int Seed) : IDialogueSource
{
    public string Description => Rule switch
    {
        ReplyRule.Literal => "template, every reply compared with --expect",
        ReplyRule.Lines => $"template, a reply is {Amount} line{(Amount == 1 ? "" : "s")}",
        ReplyRule.Bytes => $"template, a reply is {Amount} B",
        ReplyRule.Resp => "template, a reply is one RESP value that is no error",
        _ => "template, no reply expected",
    };

    public int LongestReplyBytes => Rule switch { ReplyRule.Literal => Expected!.MaxBytes, ReplyRule.Bytes => Amount, _ => 0 };

    public Dialogue Open(int connection, int pipeline) => new RawDialogue(this, (uint)connection);
}
