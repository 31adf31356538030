using System.Text;
using Resp;

namespace KeyValue.Commands;

/// <summary>What a command may do and needs.</summary>
[Flags]
internal enum CommandFlags
{
    None = 0,

    /// <summary>Changes keys: goes to the journal, refused while the journal cannot commit.</summary>
    Write = 1,

    ReadOnly = 2,

    /// <summary>May need memory: refused when the limit is reached.</summary>
    DenyOom = 4,

    Fast = 8,

    Admin = 16,

    /// <summary>Allowed before the password was given.</summary>
    NoAuth = 32,
}

/// <summary>Carries out one command: reads its arguments, writes exactly one reply.</summary>
internal delegate void CommandHandler(scoped in CommandCall call, ref RespWriter reply);

/// <summary>A row of the command table.</summary>
/// <param name="Name">In small letters.</param>
/// <param name="Arity">How many arguments with the name; negative: at least so many.</param>
/// <param name="Flags">What it may do.</param>
/// <param name="Keys">Where its keys are: first, last (negative from the end), step; all 0 for none.</param>
/// <param name="Group">The group that COMMAND DOCS tells.</param>
/// <param name="Syntax">Its arguments as people read them.</param>
/// <param name="Complexity">How its time grows.</param>
/// <param name="Summary">What it does, in one line.</param>
/// <param name="Handler">Carries it out; null for one that only has subcommands.</param>
internal sealed record Command(
    string Name,
    int Arity,
    CommandFlags Flags,
    (int First, int Last, int Step) Keys,
    string Group,
    string Syntax,
    string Complexity,
    string Summary,
    CommandHandler? Handler)
{
    /// <summary>The name as bytes.</summary>
    public byte[] NameBytes { get; } = Encoding.ASCII.GetBytes(Name);

    /// <summary>Its subcommands, each a row of its own.</summary>
    public Command[] Subcommands { get; init; } = [];

    /// <summary>The command it belongs to.</summary>
    public Command? Parent { get; set; }

    /// <summary>Its place among all rows, subcommands included: where its counters are.</summary>
    public int Index { get; set; }

    /// <summary>The name that errors and statistics use: <c>config|get</c> for a subcommand.</summary>
    public string FullName => Parent is null ? Name : $"{Parent.Name}|{Name}";

    /// <summary>The name and arguments as people type them.</summary>
    public string Usage => $"{(Parent is null ? "" : Parent.Name.ToUpperInvariant() + " ")}{Name.ToUpperInvariant()} {Syntax}".TrimEnd();

    /// <summary>Whether it takes <paramref name="count"/> arguments, its name included.</summary>
    public bool Takes(int count) => Arity > 0 ? count == Arity : count >= -Arity;
}
