using System.Text;

namespace ProtoServer.LoadTest.Content;

/// <summary>The kv scenario: SET and GET over RESP, every value proving that it belongs to its key.</summary>
internal sealed class KvSource : IDialogueSource
{
    /// <summary>Values up to this size are verified, so that a store may hold some from an earlier run with larger ones.</summary>
    private const int LargestKnownValue = 64 * 1024;

    private readonly Payload _payload;

    /// <param name="values">Bytes per value; at least <see cref="Payload.MinBytes"/>.</param>
    /// <param name="sets">Shares of SET ...</param>
    /// <param name="gets">... and of GET.</param>
    /// <param name="keys">Which keys.</param>
    /// <param name="keyPrefix">What stands before a key's twelve digits.</param>
    /// <param name="verify">False: any value will do.</param>
    /// <param name="seed">Chooses bytes, sizes and keys.</param>
    public KvSource(SizeRange values, int sets, int gets, KeyDistribution keys, string keyPrefix, bool verify, int seed)
    {
        Values = values;
        Sets = (uint)sets;
        Shares = (uint)(sets + gets);
        Keys = keys;
        Verify = verify;
        Seed = seed;
        _payload = new Payload(values, Math.Max(LargestKnownValue, values.Max), seed, LineEnding.None);
        int keyBytes = Encoding.UTF8.GetByteCount(keyPrefix) + KvDialogue.KeyDigits;
        GetHead = Encoding.UTF8.GetBytes($"*2\r\n$3\r\nGET\r\n${keyBytes}\r\n{keyPrefix}");
        SetHead = Encoding.UTF8.GetBytes($"*3\r\n$3\r\nSET\r\n${keyBytes}\r\n{keyPrefix}");
    }

    public SizeRange Values { get; }

    public uint Sets { get; }

    public uint Shares { get; }

    public KeyDistribution Keys { get; }

    public bool Verify { get; }

    public int Seed { get; }

    public Payload Payload => _payload;

    public byte[] GetHead { get; }

    public byte[] SetHead { get; }

    public string Description => $"SET:GET {Sets}:{Shares - Sets}, values of {Values}, {(Verify ? "every value verified" : "values not verified")}";

    public int LongestReplyBytes => Math.Max(LargestKnownValue, Values.Max) + 32;

    public Dialogue Open(int connection, int pipeline) => new KvDialogue(this, (uint)connection, pipeline);
}
